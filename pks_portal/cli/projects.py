"""`pks image-projects` and what is done to them: name spaces of images, with their policy and their members."""

from typing import Annotated, Any

import typer

from pks_portal.cli import finding, options, references, show
from pks_portal.cli.failures import Misused
from pks_portal.cli.references import PROJECTS
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

NONE = "none"
"""What takes the severity away from which on images are blocked."""

About = Annotated[str | None, typer.Option("--about", help=say("What it is for."))]
Public = Annotated[bool | None, typer.Option("--public/--private", help=say("Everybody may pull, or members only."))]
ScanOnPush = Annotated[
    bool | None, typer.Option("--scan-on-push/--no-scan-on-push", help=say("Scan what is pushed at once."))
]
SignedOnly = Annotated[
    bool | None, typer.Option("--signed-only/--unsigned-too", help=say("Only signed images may be pulled."))
]
BlockSeverity = Annotated[
    str | None,
    typer.Option(
        "--block-severity",
        metavar="S",
        help=say("Images with a vulnerability as bad or worse may not be pulled: critical, high, …; none."),
    ),
]
GraceHours = Annotated[
    int | None, typer.Option("--grace-hours", min=0, help=say("For how many hours after a push this is let pass."))
]


def image_projects(
    tenant: options.Tenant = None,
    public: Annotated[bool | None, typer.Option("--public/--private", help=say("Only those."))] = None,
    json: options.Json = False,
) -> None:
    items = Portal().every(PROJECTS, tenant=tenant, public=None if public is None else str(public).lower())
    if json:
        return show.data(items)
    headers = [say("Name"), say("Tenant"), say("Public"), say("Signed only"), say("Blocked from"), say("Used")]
    rows = [
        [
            item["name"], item["tenant"], _yes(item["public"]), _yes(item["signed_only"]), item["block_severity"],
            references.size(item["used"]),
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def image_project(name: references.Project, json: options.Json = False) -> None:
    _print(Portal().get(_of(name)))


def create_image_project(
    name: references.Project,
    *,
    about: About = None,
    public: Public = None,
    scan_on_push: ScanOnPush = None,
    signed_only: SignedOnly = None,
    block_severity: BlockSeverity = None,
    grace_hours: GraceHours = None,
    tenant: options.Tenant = None,
    json: options.Json = False,
) -> None:
    portal = Portal()
    policy = _policy(about, public, scan_on_push, signed_only, block_severity, grace_hours)
    wish = {"tenant": finding.tenant(portal, tenant), "name": name, **policy}
    _print(portal.send("POST", PROJECTS, wish))


def update_image_project(
    name: references.Project,
    *,
    about: About = None,
    public: Public = None,
    scan_on_push: ScanOnPush = None,
    signed_only: SignedOnly = None,
    block_severity: BlockSeverity = None,
    grace_hours: GraceHours = None,
    json: options.Json = False,
) -> None:
    changes = _policy(about, public, scan_on_push, signed_only, block_severity, grace_hours)
    if not changes:
        raise Misused(say("Say what to change: --public, --signed-only, --block-severity, …"))
    _print(Portal().send("PATCH", _of(name), changes))


def delete_image_project(
    name: references.Project, non_interactive: options.NonInteractive = False, json: options.Json = False
) -> None:
    question = say("Are you sure you want to delete the image project {name}?", name=name)
    options.confirm(question, non_interactive=non_interactive)
    references.done(Portal().send("DELETE", _of(name)), say("Image project {name} is deleted.", name=name))


def image_project_members(name: references.Project, json: options.Json = False) -> None:
    items = Portal().every(f"{_of(name)}/members")
    if json:
        return show.data(items)
    headers = [say("User"), say("Role"), say("Given by"), say("Since")]
    rows = [[item["user"], item["role"], item["given_by"], show.moment(item["given_at"])] for item in items]
    return show.table(headers, rows)


def add_image_project_member(
    name: references.Project,
    user: Annotated[str, typer.Argument(metavar="USER", help=say("The person's name in the directory."))],
    *,
    role: Annotated[str, typer.Option("--role", help=say("viewer, developer, operator or admin."))],
    json: options.Json = False,
) -> None:
    given = Portal().send("POST", f"{_of(name)}/members", {"user": user, "role": role})
    references.done(given, say("{user} has the role {role} in {name}.", user=user, role=role, name=name))


def remove_image_project_member(
    name: references.Project,
    user: Annotated[str, typer.Argument(metavar="USER", help=say("The person's name in the directory."))],
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    question = say("Are you sure you want to take {user}'s role in {name} away?", user=user, name=name)
    options.confirm(question, non_interactive=non_interactive)
    gone = Portal().send("DELETE", f"{_of(name)}/members/{references.path(user)}")
    references.done(gone, say("{user} has no role in {name} any more.", user=user, name=name))


def _of(name: str) -> str:
    return f"{PROJECTS}/{references.path(name)}"


def _policy(*given: Any) -> dict[str, Any]:
    """Return what was given of the settings, by its name in REST; the order is that of the options."""
    names = ("about", "public", "scan_on_push", "signed_only", "block_severity", "grace_hours")
    said = {name: value for name, value in zip(names, given, strict=True) if value is not None}
    if said.get("block_severity") == NONE:
        said["block_severity"] = None
    return said


def _yes(value: bool) -> str:
    return say("yes") if value else ""


def _print(item: dict[str, Any]) -> None:
    """Print a project, or its JSON."""
    if show.mode.json:
        return show.data(item)
    no = say("no")
    return show.facts(
        [
            (say("Name"), item["name"]),
            (say("Tenant"), item["tenant"]),
            (say("Description"), item["about"] or None),
            (say("Public"), _yes(item["public"]) or no),
            (say("Scanned when pushed"), _yes(item["scan_on_push"]) or no),
            (say("Signed only"), _yes(item["signed_only"]) or no),
            (say("Blocked from"), item["block_severity"] or no),
            (say("Hours of grace"), item["grace_hours"]),
            (say("Used"), references.size(item["used"])),
            (say("Created"), show.moment(item["created_at"])),
        ]
    )
