"""The options and arguments that several commands share, and what the shell completes them with."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from pks_portal.cli import show
from pks_portal.cli.failures import Failure, Misused
from pks_portal.cli.words import say


def _known(path: str, key: str) -> Callable[[str], list[str]]:
    """Return a completion from a list of the portal; without a portal there is none."""

    def complete(incomplete: str) -> list[str]:
        from pks_portal.cli.rest import Portal  # noqa: PLC0415

        try:
            items = Portal(seconds=2).every(path, most=200)
        except Failure:
            return []
        return [item[key] for item in items if item[key].startswith(incomplete)]

    return complete


Json = Annotated[bool, typer.Option("--json", help=say("Print JSON."), callback=show.choose_json)]
Wait = Annotated[bool, typer.Option("--wait", help=say("Return when the task has ended."))]
Watch = Annotated[bool, typer.Option("--watch", help=say("Show the task's progress until it has ended."))]
NonInteractive = Annotated[bool, typer.Option("--non-interactive", help=say("Ask nothing."))]
DryRun = Annotated[bool, typer.Option("--dry-run", help=say("Only say what would happen."))]
Tenant = Annotated[
    str | None,
    typer.Option(
        "-t", "--tenant", help=say("The tenant's short name."), autocompletion=_known("/api/v1/tenants", "slug")
    ),
]
Cluster = Annotated[
    str,
    typer.Argument(metavar="NAME", help=say("The cluster's name."), autocompletion=_known("/api/v1/clusters", "name")),
]
Clusters = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME...", help=say("The clusters' names."), autocompletion=_known("/api/v1/clusters", "name")
    ),
]
Plan = Annotated[
    str, typer.Option("-p", "--plan", help=say("The plan (pks plans)."), autocompletion=_known("/api/v1/plans", "slug"))
]
Version = Annotated[
    str | None,
    typer.Option(
        "--kubernetes-version",
        help=say("The Kubernetes version (pks versions)."),
        autocompletion=_known("/api/v1/versions", "version"),
    ),
]
Nodes = Annotated[int, typer.Option("-n", "--num-nodes", help=say("How many worker nodes."))]
Request = Annotated[
    bool, typer.Option("--request", help=say("If it is over the quota, ask for that, and begin once it is approved."))
]
Reason = Annotated[str, typer.Option("--reason", help=say("With --request: why; whoever decides reads it."))]
Least = Annotated[
    int | None,
    typer.Option("--least", help=say("With --request: the fewest worker nodes that would do, if less is granted.")),
]
Task = Annotated[str, typer.Argument(metavar="ID", help=say("The task's id (pks tasks)."))]


def confirm(question: str, *, non_interactive: bool) -> None:
    """Ask before a change. Raises Failure when the answer is no, Misused when nobody can answer."""
    if non_interactive:
        return
    print(show.clean(f"{question} (y/n): "), end="", file=sys.stderr, flush=True)  # stdout is the answer's alone
    if not (answer := sys.stdin.readline()):
        show.note("")
        raise Misused(
            say("This needs an answer, and there is nobody to give it."), say("Add --non-interactive to go on unasked.")
        )
    if answer.strip().lower() not in {"y", "yes", "是"}:
        raise Failure(say("Nothing was changed."))
