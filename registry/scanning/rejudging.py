"""Judge all images anew, from what is known of them, without pulling: when a database has changed, and every day."""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from pks_portal.errors import Conflict
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import Kind, Turn, declare
from pks_portal.operations.models import Operation
from pks_portal.operations.tasks import submit
from registry.models import Artifact, Sbom, Scan
from registry.scanning import scans
from tenants import audit
from tenants.access import require
from tenants.models import User

KIND: Final = "registry.rejudge"
SUBJECT: Final = UUID("5ca00000-0000-4000-8000-000000000001")
AT_ONCE: Final = 20
AGAIN: Final = (Artifact.ScanState.NONE, Artifact.ScanState.ERROR)


def ask(actor: User) -> Operation:
    """Ask that all images be judged anew. Raises Forbidden, Conflict (it is under way)."""
    require(actor, "scanner.manage", None)
    with transaction.atomic():
        operation = begin(actor)
        audit.record(actor, "scanner.scan_all", None, task=str(operation.pk))
    return operation


@transaction.atomic
def begin(actor: User | None) -> Operation:
    """Start it as a task of the platform. Raises Conflict."""
    new = operations.NewOperation(
        kind=KIND, subject_type="registry", subject_id=SUBJECT, subject_name="registry", steps=[("rejudge", 1)]
    )
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
    """Judge some more images; those judged since the task began are done. May be called again at any point."""
    rows = _left(operation)
    for artifact in rows.select_related("repository__project__tenant")[:AT_ONCE]:
        scans.judge_all(artifact, artifact.sbom, None, _silent)
        scans.sum_up(artifact)
    left, every = rows.count(), Sbom.objects.count()
    operations.advance_steps(operation, {"rejudge": 1 - left / every if every else 1})
    if left:
        return Turn(again=0)
    _scan_the_rest()
    operations.append(operation, "event.rejudged", step="rejudge", done=every, all=every)
    return Turn(done=True)


def _left(operation: Operation) -> QuerySet[Artifact]:
    fresh = Scan.objects.filter(artifact=OuterRef("pk"), ended_at__gte=operation.created_at)
    return Artifact.objects.filter(~Exists(fresh), sbom__isnull=False).order_by("pk")


def _scan_the_rest() -> None:
    """Ask for a scan of each image of which nothing is known yet."""
    rows = Artifact.objects.filter(Q(scan_state__in=AGAIN), sbom__isnull=True, kind=Artifact.Kind.IMAGE, subject="")
    for artifact in rows.select_related("repository__project__tenant")[:1000]:
        scans.pushed(artifact)


def _silent(_line: str) -> None:
    """Keep lines out of the task's events: there would be thousands; each scan has its own log."""


def _nothing(_operation: Operation, _error: Any) -> None:
    """Leave what was judged as it is."""


declare(KIND, Kind(turn=turn, failed=_nothing, retry=lambda actor, _operation: ask(actor), attempts=5))
