"""The platform's task that frees the bytes that no artifact needs any more.

Pushes wait meanwhile, pulls go on. It takes the manifests that were deleted here out of the registry, then has the
registry collect. Whoever goes on after a crash takes over the hold on pushes; without anybody it runs out by itself.
"""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from pks_portal.errors import PortalError
from pks_portal.operations import runner
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import Kind, Turn, declare
from pks_portal.operations.models import Operation
from pks_portal.operations.tasks import submit
from registry import holds
from registry.models import Blob, Collection, Push, Removed
from registry.upkeep import disk, sweeping
from registry.upkeep.settling import LEFT_AFTER
from registry.upkeep.store import opened
from tenants import audit
from tenants.access import require
from tenants.models import User

KIND: Final = "registry.collect"
SUBJECT: Final = UUID("5ca00000-0000-4000-8000-000000000003")
STEPS: Final = (("hold", 1), ("manifests", 3), ("sweep", 6))
DRY_STEPS: Final = (("estimate", 1),)
CALM: Final = timedelta(seconds=2)
"""After so long every push either has its row or finds that it must wait."""
AT_ONCE: Final = 50


@transaction.atomic
def ask(actor: User, *, dry_run: bool = False) -> Collection:
    """Ask for a collection; a dry run only says what would go. Raises Forbidden, Conflict (one is under way)."""
    require(actor, "registry_platform.manage", None)
    row = Collection.objects.create(dry_run=dry_run, asked_by=actor)
    new = operations.NewOperation(
        kind=KIND, subject_type="registry", subject_id=SUBJECT, subject_name="registry",
        steps=DRY_STEPS if dry_run else STEPS, wanted={"collection": str(row.pk), "dry_run": dry_run},
    )  # fmt: skip
    operation = operations.start(new, tenant=None, actor=actor)
    row.task = operation.pk
    row.save(update_fields=["task"])
    thing = audit.Thing("registry", str(SUBJECT), "registry")
    audit.record(actor, "registry.collect", thing, dry_run=dry_run, task=str(operation.pk))
    submit(operation)
    return row


def turn(operation: Operation) -> Turn:
    """Do the next part; may be called again at any point. Raises Unavailable, Stopped."""
    if operation.wanted["dry_run"]:
        _keep(operation, would_free=disk.unneeded(), manifests=disk.deleted().count())
        return Turn(done=True)
    since = holds.take(operation.pk)
    if not _calm(since):
        return Turn(again=0.5)
    operations.advance_steps(operation, {"hold": 1})
    if _row(operation).bytes_before is None:
        _keep(operation, bytes_before=disk.size())
    if left := _delete_some(operation):
        operations.advance_steps(operation, {"manifests": 1 - left / (left + AT_ONCE)})
        return Turn(again=0)
    operations.advance_steps(operation, {"manifests": 1})
    sweeping.sweep(lambda: _still(operation))
    _tidy(operation)
    _keep(operation, bytes_after=disk.size())
    return Turn(done=True)


def _calm(since: Any) -> bool:
    """Say whether no push is under way: each that began before the hold has ended, or was left by a dead process."""
    now = timezone.now()
    return now - since >= CALM and not Push.objects.filter(started_at__gt=now - LEFT_AFTER).exists()


def _delete_some(operation: Operation) -> int:
    """Take some manifests that were deleted here out of the registry; return how many are left."""
    with opened() as store:
        for row in disk.deleted().order_by("pk")[:AT_ONCE]:
            if store.delete(row.repository, row.digest):
                _keep(operation, manifests=F("manifests") + 1)
            row.delete()
    return disk.deleted().count()


def _still(operation: Operation) -> None:
    """Keep pushes waiting. Raises Fenced, Stopped (somebody asked), Unavailable."""
    if operations.cancel_asked(operation):
        raise runner.Stopped
    holds.take(operation.pk)


def _tidy(operation: Operation) -> None:
    """Forget what was deleted and has come back, and contents that belong to no artifact any more.

    What is deleted meanwhile is left to the next collection: forgotten, it would look like a push of nobody's.
    """
    Removed.objects.filter(at__lt=operation.created_at).delete()
    Blob.objects.filter(parts=None).delete()


def _row(operation: Operation) -> Collection:
    return Collection.objects.get(pk=operation.wanted["collection"])


def _keep(operation: Operation, **changes: Any) -> None:
    """Write down how far it is. Raises Fenced."""
    with transaction.atomic():
        operations.lock(operation)
        Collection.objects.filter(pk=operation.wanted["collection"]).update(**changes)


def _succeeded(operation: Operation) -> None:
    _ended(operation)
    row = _row(operation)
    if row.dry_run:
        operations.append(operation, "event.collect_would", manifests=row.manifests, bytes=row.would_free)
    elif row.freed is None:
        operations.append(operation, "event.collected_unmeasured", manifests=row.manifests)
    else:
        operations.append(operation, "event.collected", manifests=row.manifests, bytes=row.freed)


def _failed(operation: Operation, error: PortalError) -> None:
    _ended(operation, error=error.key)


def _ended(operation: Operation, *, error: str = "") -> None:
    holds.release(operation.pk)
    Collection.objects.filter(pk=operation.wanted["collection"]).update(ended_at=timezone.now(), error=error)


def _cancelled(operation: Operation) -> None:
    _ended(operation, error="event.cancelled")


def retry(actor: User, operation: Operation) -> Operation:
    """Start it anew. Raises as ask."""
    ask(actor, dry_run=operation.wanted["dry_run"])
    return operations.unfinished(SUBJECT).get()


declare(KIND, Kind(turn=turn, succeeded=_succeeded, failed=_failed, cancelled=_cancelled, retry=retry, attempts=3))
