"""`pks tag-image`, `untag-image`, `delete-image`, `delete-repository`, `describe-repository`: changes to images."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pks_portal.cli import options, references
from pks_portal.cli.failures import Misused
from pks_portal.cli.references import ARTIFACTS, REPOSITORIES, Reference
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say


def tag_image(
    image: references.Image,
    tag: Annotated[str, typer.Argument(metavar="TAG", help=say("The new tag; one that exists moves."))],
    json: options.Json = False,
) -> None:
    portal = Portal()
    found = references.image(portal, image)
    made = portal.send("POST", f"{ARTIFACTS}/{found['id']}/tags", {"name": tag})
    digest = references.short(found["digest"])
    references.done(made, say("{name} is {digest} now.", name=f"{found['repository']}:{tag}", digest=digest))


def untag_image(
    image: references.Image, non_interactive: options.NonInteractive = False, json: options.Json = False
) -> None:
    wanted = Reference.read(image)
    if not wanted.tag or ":" not in image:
        raise Misused(say("Name the tag to take away: PROJECT/NAME:TAG."))
    portal = Portal()
    found = references.image(portal, image)
    question = say("Are you sure you want to take the tag {name} away?", name=wanted)
    options.confirm(question, non_interactive=non_interactive)
    gone = portal.send("DELETE", f"{ARTIFACTS}/{found['id']}/tags/{wanted.tag}")
    references.done(gone, say("The tag {name} is gone; the image stays.", name=wanted))


def delete_image(
    image: references.Image, non_interactive: options.NonInteractive = False, json: options.Json = False
) -> None:
    if not {":", "@"} & set(image):
        raise Misused(say("Name the image to delete with its tag or digest."))
    portal = Portal()
    found = references.image(portal, image)
    wanted = Reference.read(image)
    tags = ", ".join(tag["name"] for tag in found["tags"]) or "-"
    question = say("Are you sure you want to delete image {name} with all its tags ({tags})?", name=wanted, tags=tags)
    options.confirm(question, non_interactive=non_interactive)
    references.done(portal.send("DELETE", f"{ARTIFACTS}/{found['id']}"), say("Image {name} is deleted.", name=wanted))


def delete_repository(
    name: references.Repository, non_interactive: options.NonInteractive = False, json: options.Json = False
) -> None:
    portal = Portal()
    found = references.repository(portal, name)
    question = say(
        "Are you sure you want to delete repository {name} with its {number} images?",
        name=name,
        number=found["artifacts"],
    )
    options.confirm(question, non_interactive=non_interactive)
    gone = portal.send("DELETE", f"{REPOSITORIES}/{found['id']}")
    references.done(gone, say("Repository {name} is deleted.", name=name))


def describe_repository(
    name: references.Repository,
    *,
    file: Annotated[
        Path, typer.Option("--file", metavar="PATH", help=say("Its README (Markdown); - reads standard input."))
    ],
    json: options.Json = False,
) -> None:
    text = text_of(file)
    portal = Portal()
    found = references.repository(portal, name)
    changed = portal.send("PATCH", f"{REPOSITORIES}/{found['id']}", {"about": text})
    references.done(changed, say("The README of {name} is changed.", name=name))


def text_of(path: Path) -> str:
    """Return what a file holds, or standard input. Raises Misused."""
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise Misused(say("{path} cannot be read: {error}", path=path, error=error)) from None
