"""`pks exceptions` and what is decided of them: vulnerabilities that an image project may live with for a while."""

from typing import Annotated, Any

import typer

from pks_portal.cli import options, references, show
from pks_portal.cli.references import PROJECTS
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

Exemption = Annotated[str, typer.Argument(metavar="ID", help=say("The exception's id (pks exceptions)."))]
Comment = Annotated[str, typer.Option("--comment", help=say("What the requester reads."))]


def exceptions(project: references.Project, json: options.Json = False) -> None:
    items = Portal().every(_exceptions(project))
    if json:
        return show.data(items)
    headers = [
        "UUID", say("Vulnerability"), say("Repositories"), say("Package"), say("Status"), say("Asked by"),
        say("Valid until"), say("Reason"),
    ]  # fmt: skip
    rows = [
        [
            item["id"], item["vulnerability"], item["repositories"], item["package"], item["status"],
            item["asked_by"], show.moment(item["expires_at"]), item["reason"],
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def request_exception(
    project: references.Project,
    vulnerability: Annotated[str, typer.Argument(metavar="CVE", help=say("The vulnerability's name."))],
    *,
    reason: Annotated[str, typer.Option("--reason", help=say("Why; whoever decides reads it."))],
    days: Annotated[int, typer.Option("--days", min=1, help=say("For how many days."))] = 30,
    repositories: Annotated[
        str, typer.Option("--repositories", metavar="PATTERN", help=say("In which repositories: web/*, **."))
    ] = "**",
    package: Annotated[str, typer.Option("--package", help=say("Only in this package."))] = "",
    json: options.Json = False,
) -> None:
    wish = {
        "vulnerability": vulnerability, "reason": reason, "days": days, "repositories": repositories,
        "package": package,
    }  # fmt: skip
    _print(Portal().send("POST", _exceptions(project), wish))


def approve_exception(
    project: references.Project, exception: Exemption, *, comment: Comment = "", json: options.Json = False
) -> None:
    _decide(project, exception, "approve", {"comment": comment})


def reject_exception(
    project: references.Project, exception: Exemption, *, comment: Comment = "", json: options.Json = False
) -> None:
    _decide(project, exception, "reject", {"comment": comment})


def withdraw_exception(
    project: references.Project,
    exception: Exemption,
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    question = say("Are you sure you want to end the exception {id}?", id=exception)
    options.confirm(question, non_interactive=non_interactive)
    _decide(project, exception, "withdraw", None)


def _decide(project: str, exception: str, verb: str, body: Any) -> None:
    _print(Portal().send("POST", f"{_exceptions(project)}/{references.path(exception)}/{verb}", body))


def _exceptions(project: str) -> str:
    return f"{PROJECTS}/{references.path(project)}/exceptions"


def _print(item: dict[str, Any]) -> None:
    """Print an exception, or its JSON."""
    if show.mode.json:
        return show.data(item)
    return show.facts(
        [
            ("UUID", item["id"]),
            (say("Vulnerability"), item["vulnerability"]),
            (say("Repositories"), item["repositories"]),
            (say("Package"), item["package"] or None),
            (say("Status"), item["status"]),
            (say("Reason"), item["reason"]),
            (say("Asked by"), item["asked_by"]),
            (say("Valid until"), show.moment(item["expires_at"]) or None),
            (say("Decided by"), item["decided_by"]),
            (say("Comment"), item["comment"] or None),
        ]
    )
