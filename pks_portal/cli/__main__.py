"""The commands, their order, and what the shell is told when they end."""

import io
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from pks_portal.cli import (
    changes,
    clusters,
    collecting,
    comparing,
    credentials,
    databases,
    dockerlogin,
    emergency,
    exceptions,
    identity,
    images,
    keys,
    labels,
    members,
    offers,
    projects,
    quotas,
    rest,
    robots,
    rules,
    scans,
    session,
    show,
    tagging,
    tasks,
    tokens,
)
from pks_portal.cli.failures import Failure
from pks_portal.cli.words import of_typer, say


class Group(TyperGroup):
    """The list of commands, with its help in the person's language."""

    def get_help(self, ctx: Any) -> str:
        return of_typer(super().get_help(ctx))


class Command(TyperCommand):
    """A command, with its help in the person's language."""

    def get_help(self, ctx: Any) -> str:
        return of_typer(super().get_help(ctx))


app = typer.Typer(cls=Group, help=say("Kubernetes clusters on demand."), no_args_is_help=True, rich_markup_mode=None)

COMMANDS: dict[Callable[..., None], str] = {
    session.login: say("Sign in to a portal."),
    session.logout: say("Forget the sign-in."),
    tokens.tokens: say("List API tokens: yours, or a service account's."),
    offers.tenants: say("List your tenants and their quotas."),
    quotas.quotas: say("List how much of its quotas each tenant uses."),
    quotas.quota_requests: say("List requests for more quota."),
    quotas.request_quota: say("Ask for more quota."),
    quotas.approve_request: say("Grant all or part of what a request asks for."),
    quotas.reject_request: say("Refuse a request for more quota."),
    members.members: say("List who has which role in a tenant."),
    members.people: say("List the people of the platform, for those who run it."),
    offers.plans: say("List the plans."),
    offers.versions: say("List the Kubernetes versions."),
    clusters.clusters: say("List clusters."),
    clusters.cluster: say("Show a cluster and its nodes."),
    changes.create_cluster: say("Create a cluster."),
    changes.resize: say("Change the number of a cluster's worker nodes."),
    changes.delete_cluster: say("Delete a cluster."),
    credentials.get_credentials: say("Put clusters into your kubeconfig."),
    credentials.kubeconfigs: say("List issued kubeconfigs."),
    credentials.revoke_kubeconfig: say("Revoke kubeconfigs."),
    emergency.emergency_access: say("Enter a tenant's cluster in an emergency, or end that."),
    identity.token: say("Say who you are to a cluster: what kubectl runs by itself."),
    tasks.tasks: say("List tasks."),
    tasks.task: say("Show a task, or follow it."),
    tasks.cancel_task: say("Ask a task to stop."),
    tasks.retry_task: say("Start a failed or cancelled task anew, or let a blocked one try now."),
    tasks.force_task: say("Let a task go past the PodDisruptionBudgets that block it."),
    projects.image_projects: say("List the projects of images."),
    projects.image_project: say("Show an image project, with its policy."),
    projects.create_image_project: say("Create a project for images."),
    projects.update_image_project: say("Change an image project's settings and policy."),
    projects.delete_image_project: say("Delete an empty image project."),
    projects.image_project_members: say("List who has a role in an image project itself."),
    projects.add_image_project_member: say("Give somebody a role in an image project."),
    projects.remove_image_project_member: say("Take somebody's role in an image project away."),
    images.repositories: say("List repositories of images."),
    tagging.describe_repository: say("Change a repository's README."),
    tagging.delete_repository: say("Delete a repository with all that is in it."),
    images.repository: say("Show a repository, with its README."),
    images.images: say("List images."),
    images.image: say("Show an image, and whether it may be pulled."),
    comparing.compare_images: say("Say what differs between two images of a repository."),
    tagging.tag_image: say("Give an image a tag, or move one to it."),
    tagging.untag_image: say("Take a tag away; the image stays."),
    tagging.delete_image: say("Delete an image with its tags and all that is about it."),
    labels.image_labels: say("List the labels for images."),
    labels.create_image_label: say("Make a label for images."),
    labels.update_image_label: say("Change a label for images."),
    labels.delete_image_label: say("Delete a label for images."),
    labels.label_image: say("Put a label on an image."),
    labels.unlabel_image: say("Take a label off an image."),
    dockerlogin.docker_login: say("Say how docker and others sign in for images."),
    robots.robots: say("List an image project's robots."),
    robots.robot: say("Show a robot."),
    robots.create_robot: say("Create a robot, with which machines pull and push."),
    robots.rotate_robot: say("Give a robot a new secret."),
    robots.update_robot: say("Change what a robot may do."),
    robots.stop_robot: say("Stop a robot."),
    robots.resume_robot: say("Let a stopped robot go on."),
    robots.delete_robot: say("Delete a robot."),
    scans.findings: say("List what scans found in an image."),
    scans.vulnerabilities: say("Find the images that carry a vulnerability."),
    scans.image_scans: say("Show what each scanner said of an image."),
    scans.scan_image: say("Ask for a scan of an image."),
    scans.sbom: say("Print what an image consists of, as CycloneDX or SPDX."),
    scans.image_report: say("Print all findings of an image as Harbor's report."),
    scans.image_security: say("Count the findings over all images."),
    databases.scanners: say("List the scanners and their databases."),
    databases.upload_database: say("Take in a vulnerability database."),
    databases.judge_images: say("Judge all images anew, without pulling them."),
    keys.trusted_keys: say("List the keys whose signatures count in an image project."),
    keys.trust_key: say("Let a public key's signatures count in an image project."),
    keys.distrust_key: say("Trust a key no longer."),
    exceptions.exceptions: say("List the vulnerabilities that an image project may live with."),
    exceptions.request_exception: say("Ask to live with a vulnerability for a while."),
    exceptions.approve_exception: say("Approve an exception that somebody else asked for."),
    exceptions.reject_exception: say("Reject an exception that somebody else asked for."),
    exceptions.withdraw_exception: say("Take an exception back, or end it before its time."),
    rules.immutable_rules: say("List the rules by which tags may not be moved."),
    rules.create_immutable_rule: say("Let tags not be moved once pushed."),
    rules.update_immutable_rule: say("Change a rule by which tags may not be moved."),
    rules.delete_immutable_rule: say("Delete a rule: its tags may be moved again."),
    rules.retention_rules: say("List the rules by which old images go."),
    rules.create_retention_rule: say("Make a rule by which images stay."),
    rules.update_retention_rule: say("Change a rule by which images stay."),
    rules.delete_retention_rule: say("Delete a rule by which images stay."),
    rules.retention_runs: say("List the runs of an image project's retention rules."),
    rules.retention_run: say("Show what becomes of each image, and why."),
    rules.run_retention: say("Carry an image project's retention rules out."),
    collecting.copy_image: say("Copy an image to another repository."),
    collecting.garbage_collections: say("List the registry's garbage collections."),
    collecting.garbage_collection: say("Show what a garbage collection came to."),
    collecting.collect_garbage: say("Free what no image needs any more."),
    collecting.reconcile_images: say("Compare the portal's images with the registry, and repair."),
}


@app.callback()
def pks(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, help=say("Print the version."), callback=show.version)
    ] = False,
) -> None: ...


for _function, _help in COMMANDS.items():
    app.command(_function.__name__.replace("_", "-"), cls=Command, help=_help)(_function)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Chinese shows "?" and goes on
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code.

    0 done, 1 refused or failed, 2 wrong usage, 3 no answer from the portal, 4 not signed in, 130 broken off.
    """
    show.mode.json = False
    try:
        code = get_command(app).main(arguments, prog_name="pks", standalone_mode=False)
    except Failure as failure:
        show.failure(failure)
        return failure.exit_code
    except typer.TyperException as error:
        return _misused(error)
    except typer.Abort:
        return 130
    finally:
        rest.hang_up()
    return code if isinstance(code, int) else 0


def _misused(error: Any) -> int:
    """Say how the command is used, in the person's language."""
    if type(error).__name__ == "NoArgsIsHelpError":
        print(of_typer(error.format_message()), file=sys.stderr)
        return 2
    if context := getattr(error, "ctx", None):
        print(of_typer(context.get_usage()), file=sys.stderr)
    print(of_typer(f"Error: {error.format_message()}"), file=sys.stderr)
    return 2


if __name__ == "__main__":
    main()
