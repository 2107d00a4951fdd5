"""`pks trusted-keys`, `trust-key`, `distrust-key`: whose signatures count in an image project."""

from pathlib import Path
from typing import Annotated

import typer

from pks_portal.cli import options, references, show, tagging
from pks_portal.cli.references import PROJECTS
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say


def trusted_keys(project: references.Project, json: options.Json = False) -> None:
    items = Portal().every(_keys(project))
    if json:
        return show.data(items)
    headers = [say("Name"), say("Fingerprint"), say("Added by"), say("Since"), "UUID"]
    rows = [
        [item["name"], item["fingerprint"], item["added_by"], show.moment(item["added_at"]), item["id"]]
        for item in items
    ]
    return show.table(headers, rows)


def trust_key(
    project: references.Project,
    name: Annotated[str, typer.Argument(metavar="NAME", help=say("What the key is called here."))],
    *,
    file: Annotated[
        Path, typer.Option("--file", metavar="PATH", help=say("The public key (PEM); - reads standard input."))
    ],
    json: options.Json = False,
) -> None:
    wish = {"name": name, "public_key": tagging.text_of(file)}
    added = Portal().send("POST", _keys(project), wish)
    references.done(added, say("{project} trusts the key {name}: {id}", project=project, name=name, id=added["id"]))


def distrust_key(
    project: references.Project,
    key: Annotated[str, typer.Argument(metavar="ID", help=say("The key's id (pks trusted-keys)."))],
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    question = say("Are you sure you want to trust key {key} in {project} no longer?", key=key, project=project)
    options.confirm(question, non_interactive=non_interactive)
    gone = Portal().send("DELETE", f"{_keys(project)}/{references.path(key)}")
    references.done(gone, say("Key {key} is trusted no longer.", key=key))


def _keys(project: str) -> str:
    return f"{PROJECTS}/{references.path(project)}/trusted-keys"
