"""`pks tasks`, `pks task`, `pks cancel-task`, `pks retry-task`, `pks force-task`: long-running work, how far it is."""

from typing import Annotated, Any

import typer

from pks_portal.cli import finding, following, options, show
from pks_portal.cli.failures import Refused
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say


def tasks(
    status: Annotated[
        str | None, typer.Option("--status", help=say("One or more statuses, separated by commas."))
    ] = None,
    tenant: options.Tenant = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", metavar="NAME", help=say("Only tasks of this cluster."))
    ] = None,
    limit: Annotated[int, typer.Option("-l", "--limit", min=1, help=say("How many, the newest first."))] = 10,
    json: options.Json = False,
) -> None:
    portal = Portal()
    subject = finding.cluster(portal, cluster, tenant)["id"] if cluster else None
    items = portal.every("/api/v1/tasks", most=limit, status=status, tenant=tenant, subject=subject)
    if json:
        return show.data(items)
    headers = ["UUID", say("Task"), say("Status"), say("Done"), say("Tenant"), say("Asked by"), say("Created")]
    rows = [
        [
            item["id"], item["title"], item["status_label"], f"{item['progress']} %", item["tenant"], item["actor"],
            show.moment(item["created_at"]),
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def task(
    task: options.Task, watch: options.Watch = False, wait: options.Wait = False, json: options.Json = False
) -> None:
    portal = Portal()
    found = portal.get(f"/api/v1/tasks/{task}")
    if not (wait or watch):
        return show.data(found) if json else _print_task(found)
    ended = following.to_the_end(portal, found, watch=watch)
    if json:
        show.data(ended, compact=watch)
    else:
        _print_task(ended)
    return following.judge(ended)


def cancel_task(task: options.Task, wait: options.Wait = False, json: options.Json = False) -> None:
    portal = Portal()
    asked = portal.send("POST", f"/api/v1/tasks/{task}/cancel")
    if wait:
        asked = following.to_the_end(portal, asked, watch=False)
    if json:
        show.data(asked)
    else:
        show.line(f"{asked['title']}: {asked['status_label']}")
    if wait and asked["status"] != "cancelled":
        raise Refused(say("The task ended before it could be cancelled."))


def retry_task(task: options.Task, wait: options.Wait = False, json: options.Json = False) -> None:
    portal = Portal()
    _follow(portal, portal.send("POST", f"/api/v1/tasks/{task}/retry"), wait=wait, json=json)


def force_task(
    task: options.Task,
    wait: options.Wait = False,
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    portal = Portal()
    found = portal.get(f"/api/v1/tasks/{task}")
    if found["blocked"]:  # otherwise the portal says why not
        question = say("{obstacle} Delete these pods without asking their PodDisruptionBudgets?",
                       obstacle=found["waiting_for"])  # fmt: skip
        options.confirm(question, non_interactive=non_interactive)
    _follow(portal, portal.send("POST", f"/api/v1/tasks/{task}/force"), wait=wait, json=json)


def _follow(portal: Portal, asked: dict[str, Any], *, wait: bool, json: bool) -> None:
    """Print the task, with --wait as it ended. Raises Refused if it did not succeed then."""
    if wait:
        asked = following.to_the_end(portal, asked, watch=False)
    if json:
        show.data(asked)
    else:
        show.line(f"{asked['title']}: {asked['status_label']} ({asked['id']})")
    if wait:
        following.judge(asked)


def _print_task(task: dict[str, Any]) -> None:
    left, error = task.get("seconds_left"), task.get("error") or {}
    show.facts(
        [
            (say("Task"), task["title"]),
            ("UUID", task["id"]),
            (say("Status"), f"{task['status_label']} ({task['progress']} %)"),
            (say("Tenant"), task["tenant"]),
            (say("Asked by"), task["actor"]),
            (say("Created"), show.moment(task["created_at"])),
            (say("Started"), show.moment(task["started_at"]) or None),
            (say("Ended"), show.moment(task["ended_at"]) or None),
            (say("Time left"), say("about {time}", time=show.seconds(left["median"])) if left else None),
            (say("Waiting for"), task["waiting_for"] or None),
            (say("Blocked since"), show.moment(task["blocked_since"]) if task.get("blocked") else None),
            (say("Next"), _ways_out(task["id"]) if task.get("blocked") else None),
            (say("Forced by"), task.get("forced_by") or None),
            (say("Error"), error.get("detail")),
            (say("Cause"), error.get("cause") or None),
            (say("Next"), error.get("next") or None),
        ]
    )
    if steps := task.get("steps"):
        show.line()
        show.table([say("Step"), say("State"), say("Took"), say("Attempt")], [_step(step) for step in steps])


def _ways_out(task: str) -> str:
    return say("wait; or pks retry-task {id}: try now; pks force-task {id}: go past it; pks cancel-task {id}: stop",
               id=task)  # fmt: skip


def _step(step: dict[str, Any]) -> list[str]:
    attempt = f"{step['attempt']}/{step['attempts_allowed']}" if step["attempt"] > 1 else ""
    if step["next_retry_at"]:
        attempt = say("{attempt}, next at {time}", attempt=attempt, time=show.moment(step["next_retry_at"]))
    return [step["text"], say(step["state"]), show.seconds(step["seconds"]), attempt]
