"""Carry out a project's retention rules as a task: decide first, keep the report, then delete what goes.

What was pushed, pulled or tagged between the decision and its turn stays: it is looked at again in the next run.
"""

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from pks_portal.errors import Conflict, PortalError
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import Kind, Turn, declare
from pks_portal.operations.models import Operation
from pks_portal.operations.tasks import submit
from registry import removing, rights
from registry.manifests import HANGING
from registry.models import Artifact, Project, RetentionRun
from registry.upkeep import progress, retention
from registry.upkeep.retention import One
from tenants import audit
from tenants.models import User

KIND: Final = "registry.retain"
STEPS: Final = (("retention-decide", 1), ("retention-remove", 3))
AT_ONCE: Final = 20
MOST_ROWS: Final = 5000
"""Rows of a report; all that go come first, and more than so many do not go in one run."""
RUNS_KEPT: Final = 60
BY: Final = "retention"


def ask(actor: User, project: Project, *, dry_run: bool) -> RetentionRun:
    """Ask for a run; a dry one deletes nothing. Raises Forbidden, Conflict (one is under way, or there is no rule)."""
    rights.require(actor, "registry.configure", project)
    if not project.retention_rules.filter(disabled=False).exists():
        raise Conflict("error.retention_none")
    return begin(actor, project, dry_run=dry_run)


@transaction.atomic
def begin(actor: User | None, project: Project, *, dry_run: bool) -> RetentionRun:
    """Start it as a task of the project's tenant. Raises Conflict."""
    row = RetentionRun.objects.create(project=project, dry_run=dry_run, asked_by=actor)
    new = operations.NewOperation(
        kind=KIND, subject_type="project", subject_id=project.pk, subject_name=project.name,
        steps=STEPS[:1] if dry_run else STEPS, wanted={"run": str(row.pk), "dry_run": dry_run},
    )  # fmt: skip
    operation = operations.start(new, tenant=project.tenant, actor=actor)
    row.task = operation.pk
    row.save(update_fields=["task"])
    audit.record(
        actor, "registry.retention_run", project, tenant=project.tenant, dry_run=dry_run, task=str(operation.pk)
    )
    submit(operation)
    return row


def daily() -> None:
    """Start a run in each project that has rules."""
    rows = Project.objects.filter(retention_rules__disabled=False, tenant__archived_at=None).distinct()
    for project in rows.select_related("tenant"):
        try:
            begin(None, project, dry_run=False)
        except Conflict:
            continue


def turn(operation: Operation) -> Turn:
    """Decide, then delete some more. May be called again at any point."""
    run = RetentionRun.objects.select_related("project").get(pk=operation.wanted["run"])
    if not operation.steps.filter(name="retention-decide", share__gte=1).exists():
        _decide(operation, run)
        operations.advance_steps(operation, {"retention-decide": 1})
        return Turn(done=run.dry_run, again=0)
    if run.dry_run:
        return Turn(done=True)
    at = int(progress.known(operation).get("at", 0))
    for said in run.report[at : min(at + AT_ONCE, run.going)]:
        _remove(operation, run, said)
    progress.keep(operation, at=at + AT_ONCE)
    operations.advance_steps(operation, {"retention-remove": min(1.0, (at + AT_ONCE) / max(run.going, 1))})
    return Turn(done=at + AT_ONCE >= run.going, again=0)


def _decide(operation: Operation, run: RetentionRun) -> None:
    plan = retention.plan(run.project, timezone.now())
    going, staying = plan.going[:MOST_ROWS], plan.staying
    report = [_said(*row) for row in going] + [_said(*row) for row in staying[: MOST_ROWS - len(going)]]
    with transaction.atomic():
        operations.lock(operation)
        RetentionRun.objects.filter(pk=run.pk).update(kept=len(staying), going=len(going), report=report)
    operations.append(
        operation, "event.retention_decided", step="retention-decide", kept=len(staying), going=len(going)
    )


def _said(repository: str, one: One) -> dict[str, Any]:
    """Return a row of a report, plain JSON."""
    return {
        "repository": repository, "digest": one.digest, "id": str(one.id), "kind": one.kind, "tags": sorted(one.tags),
        "size": one.size, "pushed_at": one.pushed_at.isoformat(),
        "pulled_at": one.pulled_at.isoformat() if one.pulled_at else None, "goes": one.goes, "why": one.why,
    }  # fmt: skip


def _remove(operation: Operation, run: RetentionRun, said: dict[str, Any]) -> None:
    """Delete what the report says goes, unless it has changed since."""
    row = Artifact.objects.select_related("repository__project__tenant").filter(pk=said["id"]).first()
    if row is None:
        return
    try:
        if _changed(row, said):
            raise Conflict("error.retention_changed")
        removing.for_the_portal(BY, row)
    except PortalError as error:
        named = f"{said['repository']}@{said['digest'][:19]}"
        operations.append(
            operation,
            "event.retention_left",
            step="retention-remove",
            level="warning",
            name=named,
            reason=error.said.stored(),
        )
        return
    RetentionRun.objects.filter(pk=run.pk).update(removed=F("removed") + 1)


def _changed(row: Artifact, said: dict[str, Any]) -> bool:
    """Say whether an artifact was pushed, pulled or tagged since the report."""
    children = Artifact.objects.filter(repository=row.repository_id, digest__in=row.children.values("digest"))
    times = [row.pulled_at, children.aggregate(last=Max("pulled_at"))["last"]]
    before = datetime.fromisoformat(said["pulled_at"]) if said["pulled_at"] else None
    later = any(time is not None and (before is None or time > before) for time in times)
    tags = [name for name in row.tags.values_list("name", flat=True) if not HANGING.fullmatch(name)]
    return row.pushed_at.isoformat() != said["pushed_at"] or later or sorted(tags) != said["tags"]


def _ended(operation: Operation, _error: PortalError | None = None) -> None:
    """Close the run, and forget the oldest: reports are long, and runs daily."""
    RetentionRun.objects.filter(pk=operation.wanted["run"]).update(ended_at=timezone.now())
    runs = RetentionRun.objects.filter(project=operation.subject_id)
    newest = list(runs.values_list("pk", flat=True)[:RUNS_KEPT])
    runs.exclude(pk__in=newest).exclude(ended_at=None).delete()


def retry(actor: User, operation: Operation) -> Operation:
    """Start it anew. Raises as ask, NotFound."""
    project = Project.objects.select_related("tenant").get(pk=operation.subject_id)
    ask(actor, project, dry_run=operation.wanted["dry_run"])
    return operations.unfinished(project.pk).get()


declare(KIND, Kind(turn=turn, succeeded=_ended, failed=_ended, cancelled=_ended, retry=retry, attempts=5))
