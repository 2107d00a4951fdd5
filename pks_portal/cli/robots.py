"""`pks robots` and what is done to them: names and secrets with which machines pull and push in one project."""

from typing import Annotated, Any

import typer

from pks_portal.cli import options, references, show
from pks_portal.cli.references import PROJECTS
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

Robot = Annotated[str, typer.Argument(metavar="NAME", help=say("The robot's name (pks robots PROJECT)."))]
Days = Annotated[int, typer.Option("--days", min=1, help=say("For how many days its secret is good."))]


def robots(project: references.Project, json: options.Json = False) -> None:
    items = Portal().every(_robots(project))
    if json:
        return show.data(items)
    headers = [say("Name"), say("Signs in as"), say("Rights"), say("State"), say("Last used"), say("Expires")]
    rows = [
        [
            item["name"], item["login"], ", ".join(item["rights"]), _state(item),
            show.moment(item["last_used_at"]) or say("never"), show.moment(item["expires_at"]),
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def robot(project: references.Project, name: Robot, json: options.Json = False) -> None:
    found = Portal().get(_robot(project, name))
    if json:
        return show.data(found)
    return show.facts(
        [
            (say("Name"), found["name"]), (say("Signs in as"), found["login"]),
            (say("Description"), found["about"] or None), (say("Rights"), ", ".join(found["rights"])),
            (say("State"), _state(found)), (say("Made by"), found["made_by"]),
            (say("Created"), show.moment(found["created_at"])), (say("Expires"), show.moment(found["expires_at"])),
            (say("Last used"), show.moment(found["last_used_at"]) or say("never")),
        ]
    )  # fmt: skip


def create_robot(
    project: references.Project,
    name: Annotated[str, typer.Argument(metavar="NAME", help=say("The new robot's name."))],
    *,
    rights: Annotated[
        str, typer.Option("--rights", metavar="R[,R]", help=say("What it may do: pull, push, delete, sign."))
    ] = "pull",
    days: Days = 90,
    about: Annotated[str, typer.Option("--about", help=say("What it is for."))] = "",
    json: options.Json = False,
) -> None:
    wish = {"name": name, "rights": [right.strip() for right in rights.split(",")], "days": days, "about": about}
    _print_secret(Portal().send("POST", _robots(project), wish))


def rotate_robot(
    project: references.Project,
    name: Robot,
    *,
    days: Days = 90,
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    question = say("Are you sure you want to end the secret of robot {name} and make another?", name=name)
    options.confirm(question, non_interactive=non_interactive)
    _print_secret(Portal().send("POST", f"{_robot(project, name)}/rotate", {"days": days}))


def update_robot(
    project: references.Project,
    name: Robot,
    *,
    rights: Annotated[
        str, typer.Option("--rights", metavar="R[,R]", help=say("What it may do: pull, push, delete, sign."))
    ],
    json: options.Json = False,
) -> None:
    wish = {"rights": [right.strip() for right in rights.split(",")]}
    changed = Portal().send("PATCH", _robot(project, name), wish)
    text = say("Robot {name} may: {rights}", name=changed["login"], rights=", ".join(changed["rights"]))
    references.done(changed, text)


def stop_robot(project: references.Project, name: Robot, json: options.Json = False) -> None:
    stopped = Portal().send("PATCH", _robot(project, name), {"disabled": True})
    references.done(stopped, say("Robot {name} is stopped.", name=stopped["login"]))


def resume_robot(project: references.Project, name: Robot, json: options.Json = False) -> None:
    resumed = Portal().send("PATCH", _robot(project, name), {"disabled": False})
    references.done(resumed, say("Robot {name} may go on.", name=resumed["login"]))


def delete_robot(
    project: references.Project,
    name: Robot,
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    question = say("Are you sure you want to delete robot {name}? Its secret ends at once.", name=name)
    options.confirm(question, non_interactive=non_interactive)
    references.done(Portal().send("DELETE", _robot(project, name)), say("Robot {name} is deleted.", name=name))


def _robots(project: str) -> str:
    return f"{PROJECTS}/{references.path(project)}/robots"


def _robot(project: str, name: str) -> str:
    return f"{_robots(project)}/{references.path(name)}"


def _state(item: dict[str, Any]) -> str:
    if item["disabled"]:
        return say("stopped")
    return say("live") if item["live"] else say("expired")


def _print_secret(item: dict[str, Any]) -> None:
    """Print a robot with its secret, or its JSON: the only time that the portal tells it."""
    if show.mode.json:
        return show.data(item)
    show.facts(
        [
            (say("Name"), item["name"]),
            (say("Signs in as"), item["login"]),
            (say("Rights"), ", ".join(item["rights"])),
            (say("Expires"), show.moment(item["expires_at"])),
            (say("Secret"), item["secret"]),
        ]
    )
    return show.note(say("The secret is shown this once: keep it now."))
