"""`pks immutable-rules`, `pks retention-rules`, `pks retention-runs`: which images stay as they are, and which go."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from pks_portal.cli import options, references, show
from pks_portal.cli.failures import Misused
from pks_portal.cli.references import PROJECTS
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say


class Keep(StrEnum):
    latest_pushed = "latest_pushed_k"
    latest_pulled = "latest_pulled_n"
    days_since_push = "days_since_push"
    days_since_pull = "days_since_pull"
    always = "always"


Rule = Annotated[int, typer.Argument(metavar="ID", min=1, help=say("The rule's id, as the list has it."))]
Repositories = Annotated[
    str, typer.Option("--repositories", metavar="PATTERN", help=say("In which repositories: web/*, **."))
]

NewRepositories = Annotated[
    str | None, typer.Option("--repositories", metavar="PATTERN", help=say("In which repositories: web/*, **."))
]
NewTags = Annotated[str | None, typer.Option("--tags", metavar="PATTERN", help=say("Which tags: v*, **."))]
Off = Annotated[bool | None, typer.Option("--off/--on", help=say("Switch the rule off, or on again."))]


def immutable_rules(project: references.Project, json: options.Json = False) -> None:
    items = Portal().every(_of(project, "immutable-rules"))
    if json:
        return show.data(items)
    headers = ["ID", say("Repositories"), say("Tags"), say("State"), say("Made by"), say("Since")]
    rows = [
        [
            item["id"], item["repositories"], item["tags"], _state(item), item["made_by"],
            show.moment(item["made_at"]),
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def create_immutable_rule(
    project: references.Project,
    tags: Annotated[str, typer.Argument(metavar="TAGS", help=say("Which tags: v*, **."))],
    *,
    repositories: Repositories = "**",
    json: options.Json = False,
) -> None:
    wish = {"repositories": repositories, "tags": tags}
    made = Portal().send("POST", _of(project, "immutable-rules"), wish)
    references.done(made, say("Rule {id} is made.", id=made["id"]))


def update_immutable_rule(
    project: references.Project,
    rule: Rule,
    *,
    repositories: NewRepositories = None,
    tags: NewTags = None,
    off: Off = None,
    json: options.Json = False,
) -> None:
    _update(project, "immutable-rules", rule, repositories=repositories, tags=tags, disabled=off)


def delete_immutable_rule(
    project: references.Project,
    rule: Rule,
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    _delete(project, "immutable-rules", rule, non_interactive=non_interactive)


def retention_rules(project: references.Project, json: options.Json = False) -> None:
    items = Portal().every(_of(project, "retention-rules"))
    if json:
        return show.data(items)
    headers = [
        "ID", say("Repositories"), say("Tags"), say("Untagged too"), say("Keeps"), say("Number"), say("State"),
        say("Made by"),
    ]  # fmt: skip
    rows = [
        [
            item["id"], item["repositories"], item["tags"], say("yes") if item["untagged"] else "", item["keep"],
            item["number"], _state(item), item["made_by"],
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def create_retention_rule(
    project: references.Project,
    *,
    keep: Annotated[Keep, typer.Option("--keep", help=say("By what images stay."))],
    number: Annotated[int, typer.Option("--number", min=0, help=say("How many, or for how many days."))] = 0,
    repositories: Repositories = "**",
    tags: Annotated[str, typer.Option("--tags", metavar="PATTERN", help=say("Which tags: v*, **."))] = "**",
    untagged: Annotated[
        bool, typer.Option("--untagged/--tagged-only", help=say("Of images without a tag too, or not."))
    ] = True,
    json: options.Json = False,
) -> None:
    wish = {
        "repositories": repositories, "tags": tags, "untagged": untagged, "keep": keep.value, "number": number,
    }  # fmt: skip
    made = Portal().send("POST", _of(project, "retention-rules"), wish)
    references.done(made, say("Rule {id} is made.", id=made["id"]))


def update_retention_rule(
    project: references.Project,
    rule: Rule,
    *,
    keep: Annotated[Keep | None, typer.Option("--keep", help=say("By what images stay."))] = None,
    number: Annotated[int | None, typer.Option("--number", min=0, help=say("How many, or for how many days."))] = None,
    repositories: NewRepositories = None,
    tags: NewTags = None,
    untagged: Annotated[
        bool | None, typer.Option("--untagged/--tagged-only", help=say("Of images without a tag too, or not."))
    ] = None,
    off: Off = None,
    json: options.Json = False,
) -> None:
    _update(
        project, "retention-rules", rule, keep=keep and keep.value, number=number, repositories=repositories,
        tags=tags, untagged=untagged, disabled=off,
    )  # fmt: skip


def delete_retention_rule(
    project: references.Project,
    rule: Rule,
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    _delete(project, "retention-rules", rule, non_interactive=non_interactive)


def retention_runs(project: references.Project, json: options.Json = False) -> None:
    items = Portal().every(_of(project, "retention-runs"))
    if json:
        return show.data(items)
    headers = [
        "UUID", say("Dry run"), say("Started"), say("Ended"), say("Kept"), say("Going"), say("Removed"),
        say("Asked by"),
    ]  # fmt: skip
    rows = [
        [
            item["id"], say("yes") if item["dry_run"] else "", show.moment(item["started_at"]),
            show.moment(item["ended_at"]), item["kept"], item["going"], item["removed"], item["asked_by"],
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def retention_run(
    project: references.Project,
    run: Annotated[str, typer.Argument(metavar="ID", help=say("The run's id (pks retention-runs)."))],
    json: options.Json = False,
) -> None:
    found = Portal().get(f"{_of(project, 'retention-runs')}/{references.path(run)}")
    if json:
        return show.data(found)
    headers = [say("Repository"), say("Tags"), say("Digest"), say("Size"), say("Goes"), say("Why")]
    rows = [
        [
            row["repository"], ", ".join(row["tags"]), references.short(row["digest"]), references.size(row["size"]),
            say("yes") if row["goes"] else "", "; ".join(row["why"]),
        ]
        for row in found["report"]
    ]  # fmt: skip
    return show.table(headers, rows)


def run_retention(
    project: references.Project,
    dry_run: options.DryRun = False,
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    if not dry_run:
        question = say("Are you sure you want to delete from {project} what its rules do not keep?", project=project)
        options.confirm(question, non_interactive=non_interactive)
    run = Portal().send("POST", _of(project, "retention-runs"), {"dry_run": dry_run})
    text = say("Use 'pks retention-run {project} {id}' to see what it came to", project=project, id=run["id"])
    references.done(run, text)


def _of(project: str, what: str) -> str:
    return f"{PROJECTS}/{references.path(project)}/{what}"


def _update(project: str, what: str, rule: int, **given: Any) -> None:
    """Change what was given. Raises Misused where nothing was."""
    if not (changes := {name: value for name, value in given.items() if value is not None}):
        raise Misused(say("Say what to change: --tags, --off, …"))
    changed = Portal().send("PATCH", f"{_of(project, what)}/{rule}", changes)
    references.done(changed, say("Rule {id} is changed.", id=rule))


def _delete(project: str, what: str, rule: int, *, non_interactive: bool) -> None:
    question = say("Are you sure you want to delete rule {id} of {project}?", id=rule, project=project)
    options.confirm(question, non_interactive=non_interactive)
    gone = Portal().send("DELETE", f"{_of(project, what)}/{rule}")
    references.done(gone, say("Rule {id} is deleted.", id=rule))


def _state(item: dict[str, Any]) -> str:
    return say("switched off") if item["disabled"] else say("in force")
