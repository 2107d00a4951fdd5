"""The platform's task that makes rows and registry agree: pushes settled, drift repaired, usage counted anew.

Each turn does a bounded part, in order of keys; the last key done stands in `wanted`, so it goes on after a crash.
Before anything is taken away, all of it is looked at: a registry that has lost much is more likely not the right one.
"""

from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import Model, QuerySet

from pks_portal.errors import Conflict
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import Kind, Turn, declare
from pks_portal.operations.models import Operation
from pks_portal.operations.tasks import submit
from registry.models import Artifact, Project, Repository
from registry.upkeep import drift, progress, settling
from registry.upkeep.store import opened
from tenants import audit
from tenants.access import require
from tenants.models import User

Row = TypeVar("Row", bound=Model)
KIND: Final = "registry.reconcile"
SUBJECT: Final = UUID("5ca00000-0000-4000-8000-000000000002")
STEPS: Final = (("pushes", 1), ("lost", 5), ("forget", 1), ("unknown", 3), ("usage", 1))
ARTIFACTS_AT_ONCE: Final = 100
REPOSITORIES_AT_ONCE: Final = 10
PROJECTS_AT_ONCE: Final = 20
BRAKE_LEAST: Final = 10
BRAKE_PERCENT: Final = 20
MOST_LOST: Final = 1000


def ask(actor: User, *, forced: bool = False) -> Operation:
    """Ask for it; `forced`: past the brake. Raises Forbidden, Conflict (it is under way)."""
    require(actor, "registry_platform.manage", None)
    with transaction.atomic():
        operation = begin(actor, forced=forced)
        thing = audit.Thing("registry", str(SUBJECT), "registry")
        audit.record(actor, "registry.reconcile", thing, forced=forced, task=str(operation.pk))
    return operation


@transaction.atomic
def begin(actor: User | None, *, forced: bool = False) -> Operation:
    """Start it as a task of the platform. Raises Conflict."""
    new = operations.NewOperation(
        kind=KIND, subject_type="registry", subject_id=SUBJECT, subject_name="registry", steps=STEPS,
        wanted={"forced": forced},
    )  # fmt: skip
    operation = operations.start(new, tenant=None, actor=actor)
    submit(operation)
    return operation


def soon() -> None:
    """Start it unless it is under way."""
    try:
        begin(None)
    except Conflict:
        return


def turn(operation: Operation) -> Turn:
    """Do the next part of the first step that is not done. Raises Unavailable, Conflict (the brake)."""
    step = operation.steps.exclude(share__gte=1).order_by("index").values_list("name", flat=True).first()
    if step is None:
        return Turn(done=True)
    share = PARTS[step](operation)
    operations.advance_steps(operation, {step: share})
    return Turn(again=0)


def _pushes(operation: Operation) -> float:
    done = settling.settle()
    if done.finished or done.abandoned:
        operations.append(
            operation, "event.pushes_settled", step="pushes", finished=done.finished, abandoned=done.abandoned
        )
    return 1


def _lost(operation: Operation) -> float:
    """Look whether some more artifacts are still there; those that are not are only noted."""
    rows = Artifact.objects.select_related("repository__project")
    some = _next(operation, "artifact", rows, ARTIFACTS_AT_ONCE)
    with opened() as store:
        gone = drift.lost(store, some)
    wanted = progress.known(operation)
    missing = [*wanted.get("missing", []), *(str(row.pk) for row in gone)]
    looked = wanted.get("looked", 0) + len(some)
    if len(missing) > MOST_LOST and not wanted.get("forced"):
        raise Conflict("error.reconcile_brake", lost=len(missing), all=looked)
    progress.keep(operation, missing=missing, looked=looked, **_after("artifact", some))
    return _share(some, ARTIFACTS_AT_ONCE)


def _forget(operation: Operation) -> float:
    """Take the rows of lost artifacts away, unless they are too many."""
    wanted = progress.known(operation)
    missing, looked = wanted.get("missing", []), wanted.get("looked", 0)
    if len(missing) > max(BRAKE_LEAST, looked * BRAKE_PERCENT // 100) and not wanted.get("forced"):
        raise Conflict("error.reconcile_brake", lost=len(missing), all=looked)
    rows = Artifact.objects.filter(pk__in=missing).select_related("repository__project__tenant")
    count = sum(drift.forget(row) for row in rows)
    if count:
        operations.append(operation, "event.artifacts_lost", step="forget", level="warning", count=count)
    return 1


def _unknown(operation: Operation) -> float:
    """Write down what some more repositories have in the registry and not here."""
    rows = Repository.objects.filter(project__tenant__archived_at=None).select_related("project__tenant")
    some = _next(operation, "repository", rows, REPOSITORIES_AT_ONCE)
    with opened() as store:
        count = sum(drift.find(store, repository) for repository in some)
    if count:
        operations.append(operation, "event.artifacts_found", step="unknown", level="warning", count=count)
    progress.keep(operation, **_after("repository", some))
    return _share(some, REPOSITORIES_AT_ONCE)


def _usage(operation: Operation) -> float:
    some = _next(operation, "project", Project.objects.all(), PROJECTS_AT_ONCE)
    for project in some:
        drift.recount(project)
    progress.keep(operation, **_after("project", some))
    return _share(some, PROJECTS_AT_ONCE)


PARTS: Final = {"pushes": _pushes, "lost": _lost, "forget": _forget, "unknown": _unknown, "usage": _usage}


def _next(operation: Operation, name: str, rows: QuerySet[Row], most: int) -> list[Row]:
    after = progress.known(operation).get(f"after_{name}")
    return list((rows.filter(pk__gt=after) if after else rows).order_by("pk")[:most])


def _after(name: str, some: list[Any]) -> dict[str, str]:
    return {f"after_{name}": str(some[-1].pk)} if some else {}


def _share(some: list[Any], most: int) -> float:
    """Return 1 once there was less than could have been done; how much is left before, nobody counts."""
    return 1 if len(some) < most else 0.5


declare(KIND, Kind(turn=turn, retry=lambda actor, _operation: ask(actor), attempts=8))
