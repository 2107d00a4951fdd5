"""`pks image-labels`; `create-image-label`, `update-`, `delete-`; `label-image`, `unlabel-image`."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from pks_portal.cli import options, references, show
from pks_portal.cli.failures import Misused, Refused
from pks_portal.cli.references import ARTIFACTS, PROJECTS, REGISTRY
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say


class Colour(StrEnum):
    grey = "grey"
    blue = "blue"
    teal = "teal"
    green = "green"
    amber = "amber"
    red = "red"
    purple = "purple"
    pink = "pink"


Of = Annotated[
    str | None, typer.Option("--project", metavar="PROJECT", help=say("Of this project; else of the whole platform."))
]
Name = Annotated[str, typer.Argument(metavar="LABEL", help=say("The label's name (pks image-labels)."))]


def image_labels(
    project: Annotated[
        str | None, typer.Argument(metavar="PROJECT", help=say("Also of this project, not only of the platform."))
    ] = None,
    json: options.Json = False,
) -> None:
    items = _usable(Portal(), project)
    if json:
        return show.data(items)
    headers = [say("Name"), say("Colour"), say("Project"), say("About"), say("Made by")]
    rows = [
        [item["name"], item["colour"], item["project"] or say("(platform)"), item["about"], item["made_by"]]
        for item in items
    ]
    return show.table(headers, rows)


def create_image_label(
    name: Annotated[str, typer.Argument(metavar="LABEL", help=say("The new label's name."))],
    *,
    project: Of = None,
    colour: Annotated[Colour, typer.Option("--colour", help=say("Its colour."))] = Colour.grey,
    about: Annotated[str, typer.Option("--about", metavar="TEXT", help=say("What it means."))] = "",
    json: options.Json = False,
) -> None:
    wish = {"name": name, "colour": colour.value, "about": about}
    made = Portal().send("POST", _of(project), wish)
    references.done(made, say("Label {name} is made.", name=made["name"]))


def update_image_label(
    name: Name,
    *,
    project: Of = None,
    new_name: Annotated[str | None, typer.Option("--name", metavar="LABEL", help=say("Its new name."))] = None,
    colour: Annotated[Colour | None, typer.Option("--colour", help=say("Its colour."))] = None,
    about: Annotated[str | None, typer.Option("--about", metavar="TEXT", help=say("What it means."))] = None,
    json: options.Json = False,
) -> None:
    given = {"name": new_name, "colour": colour and colour.value, "about": about}
    if not (changes := {key: value for key, value in given.items() if value is not None}):
        raise Misused(say("Say what to change: --name, --colour, --about"))
    portal = Portal()
    row = _named(portal.every(_of(project)), name)
    changed = portal.send("PATCH", f"{_of(project)}/{row['id']}", changes)
    references.done(changed, say("Label {name} is changed.", name=changed["name"]))


def delete_image_label(
    name: Name,
    *,
    project: Of = None,
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    portal = Portal()
    row = _named(portal.every(_of(project)), name)
    question = say("Are you sure you want to delete label {name}? All that has it loses it.", name=name)
    options.confirm(question, non_interactive=non_interactive)
    gone = portal.send("DELETE", f"{_of(project)}/{row['id']}")
    references.done(gone, say("Label {name} is deleted.", name=name))


def label_image(image: references.Image, label: Name, json: options.Json = False) -> None:
    portal = Portal()
    found = references.image(portal, image)
    row = _named(_usable(portal, found["project"]), label)
    said = portal.send("POST", f"{ARTIFACTS}/{found['id']}/labels", {"label": row["id"]})
    references.done(said, say("{name} has the label {label} now.", name=image, label=label))


def unlabel_image(image: references.Image, label: Name, json: options.Json = False) -> None:
    portal = Portal()
    found = references.image(portal, image)
    row = _named(_usable(portal, found["project"]), label)
    gone = portal.send("DELETE", f"{ARTIFACTS}/{found['id']}/labels/{row['id']}")
    references.done(gone, say("{name} has the label {label} no longer.", name=image, label=label))


def _of(project: str | None) -> str:
    return f"{PROJECTS}/{references.path(project)}/labels" if project else f"{REGISTRY}/labels"


def _usable(portal: Portal, project: str | None) -> list[dict[str, Any]]:
    """Return a project's labels, which are meant first where both have a name, then the platform's."""
    own = portal.every(_of(project)) if project else []
    return own + portal.every(_of(None))


def _named(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    if (row := next((one for one in rows if one["name"] == name), None)) is None:
        detail = say("Label {name} not found", name=name)
        raise Refused(detail, document={"type": "urn:pks-cli:not-found", "status": 404, "detail": detail})
    return row
