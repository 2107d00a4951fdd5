"""`pks scanners`, `upload-database`, `judge-images`: by what scanners judge, and judging anew."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pks_portal.cli import following, options, references, show
from pks_portal.cli.failures import Misused
from pks_portal.cli.references import REGISTRY
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

SCANNERS = f"{REGISTRY}/scanners"
UPLOAD_SECONDS = 1800.0


class Kind(StrEnum):
    trivy_db = "trivy-db"
    osv_feed = "osv-feed"


def scanners(json: options.Json = False) -> None:
    items = Portal().get(SCANNERS)["items"]
    if json:
        return show.data(items)
    headers = [say("Scanner"), say("State"), say("As of"), say("Records"), say("Sources"), say("Cause")]
    rows = [
        [
            item["name"], item["state"], show.moment(item["updated_at"]), item["records"], ", ".join(item["sources"]),
            item["cause"],
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def upload_database(
    kind: Annotated[Kind, typer.Argument(metavar="KIND", help=say("trivy-db (db.tar.gz) or osv-feed (a ZIP)."))],
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("The database's file."))],
    name: Annotated[str | None, typer.Option("--name", help=say("Of an OSV feed: what it is called."))] = None,
    json: options.Json = False,
) -> None:
    try:
        state = Portal(seconds=UPLOAD_SECONDS).upload(f"{SCANNERS}/databases/{kind.value}", file, name=name)
    except OSError as error:
        raise Misused(say("{path} cannot be read: {error}", path=file, error=error)) from None
    text = say("{name} is taken in: {records} records.", name=state["name"], records=state["records"])
    references.done(state, text)


def judge_images(wait: options.Wait = False, watch: options.Watch = False, json: options.Json = False) -> None:
    portal = Portal()
    started = portal.send("POST", SCANNERS)
    task = started["task"]
    if not (wait or watch):
        return references.done(started, say("Use 'pks task {task} --watch' to follow it", task=task["id"]))
    task = following.to_the_end(portal, task, watch=watch)
    if json:
        show.data({"task": task}, compact=watch)
    return following.judge(task)
