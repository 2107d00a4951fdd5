"""`pks copy-image`; `pks garbage-collections`, `collect-garbage`, `reconcile-images`: the registry's upkeep."""

from typing import Annotated

import typer

from pks_portal.cli import options, references, show
from pks_portal.cli.references import ARTIFACTS, REGISTRY, Reference
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

COLLECTIONS = f"{REGISTRY}/garbage-collections"


def copy_image(
    image: references.Image,
    target: Annotated[
        str, typer.Argument(metavar="PROJECT/NAME[:TAG]", help=say("Where to; without a tag it gets none."))
    ],
    json: options.Json = False,
) -> None:
    wanted = Reference.read(target)
    portal = Portal()
    found = references.image(portal, image)
    wish = {"repository": wanted.repository, "tag": wanted.tag if ":" in target else ""}
    made = portal.send("POST", f"{ARTIFACTS}/{found['id']}/copies", wish)
    if made["task"]:
        return references.done(made, say("Use 'pks task {task} --watch' to follow it", task=made["task"]))
    return references.done(made, say("{image} is copied to {target}.", image=image, target=target))


def garbage_collections(json: options.Json = False) -> None:
    items = Portal().every(COLLECTIONS)
    if json:
        return show.data(items)
    headers = [
        "UUID", say("Dry run"), say("Started"), say("Ended"), say("Freed"), say("Would free"), say("Asked by"),
        say("Error"),
    ]  # fmt: skip
    rows = [
        [
            item["id"], say("yes") if item["dry_run"] else "", show.moment(item["started_at"]),
            show.moment(item["ended_at"]), references.size(item["freed"]), references.size(item["would_free"]),
            item["asked_by"], item["error"],
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def garbage_collection(
    collection: Annotated[str, typer.Argument(metavar="ID", help=say("Its id (pks garbage-collections)."))],
    json: options.Json = False,
) -> None:
    found = Portal().get(f"{COLLECTIONS}/{references.path(collection)}")
    if json:
        return show.data(found)
    return show.facts(
        [
            ("UUID", found["id"]), (say("Dry run"), say("yes") if found["dry_run"] else None),
            (say("Asked by"), found["asked_by"]), (say("Started"), show.moment(found["started_at"])),
            (say("Ended"), show.moment(found["ended_at"]) or None), (say("Manifests"), found["manifests"]),
            (say("Freed"), references.size(found["freed"]) or None),
            (say("Would free"), references.size(found["would_free"]) or None), (say("Error"), found["error"] or None),
        ]
    )  # fmt: skip


def collect_garbage(
    dry_run: options.DryRun = False, non_interactive: options.NonInteractive = False, json: options.Json = False
) -> None:
    if not dry_run:
        options.confirm(say("Pushes wait while garbage is collected. Go on?"), non_interactive=non_interactive)
    asked = Portal().send("POST", COLLECTIONS, {"dry_run": dry_run})
    references.done(asked, say("Use 'pks task {task} --watch' to follow it", task=asked["task"]))


def reconcile_images(
    forced: Annotated[
        bool, typer.Option("--force", help=say("Take rows away even if the registry lacks a great part of them."))
    ] = False,
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    if forced:
        question = say("Are you sure you want to forget all images that the registry lacks?")
        options.confirm(question, non_interactive=non_interactive)
    task = Portal().send("POST", f"{REGISTRY}/reconciliations", {"forced": forced})
    references.done(task, say("Use 'pks task {task} --watch' to follow it", task=task["id"]))
