"""What blocks a task until a person decides: it tries again ever less often, says so, and may be forced."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from pks_portal.errors import Conflict
from pks_portal.messages import Said
from pks_portal.operations import runner
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import Turn
from pks_portal.operations.models import Operation, OperationEvent

QUIET = timedelta(seconds=5)  # what is over sooner is no obstacle: a moved pod that is not ready yet
PATIENCE = timedelta(minutes=10)
LONGEST_PAUSE = 30.0


def met(operation: Operation, said: Said) -> Turn:
    """Record what blocks the task and return when it tries again; after PATIENCE it counts as waiting.

    The same pods, the same obstacle: anything else is progress, from which time counts anew. Raises Fenced.
    """
    idle = timedelta(seconds=operations.idle_seconds(operation))
    with transaction.atomic():
        row, now = operations.lock(operation), timezone.now()
        if row.blocked_since is None and idle < QUIET:
            return runner.soon(moved=False, idle_for=idle.total_seconds())
        known = (row.waiting_key, row.waiting_args) == (said.key, dict(said.args))
        since = row.blocked_since if row.blocked_since and known else now - (timedelta() if row.blocked_since else idle)
        status = _status(row, waiting=now - since > PATIENCE)
        again = min(LONGEST_PAUSE, max(0.25, (now - since).total_seconds() / 20))
        operations.held(operation).update(
            blocked_since=since, waiting_key=said.key, waiting_args=dict(said.args), status=status
        )
        if not known or row.status != status:
            _tell(operation, said, since=f"{since:%Y-%m-%d %H:%M:%S} UTC", seconds=max(1, round(again)))
        asked = row.cancel_asked or row.forced_by != operation.forced_by
    return Turn(again=0.05 if asked else again)


def _status(row: Operation, *, waiting: bool) -> Operation.Status:
    status = Operation.Status(row.status)
    if status == Operation.Status.CANCELLING:
        return status
    return Operation.Status.WAITING if waiting else Operation.Status.RUNNING


def _tell(operation: Operation, said: Said, *, since: str, seconds: int) -> None:
    step = operation.steps.filter(state="running").values_list("name", flat=True).first() or ""
    level = OperationEvent.Level.WARNING
    operations.append(
        operation, "event.blocked", step=step, level=level, reason=said.stored(), since=since, seconds=seconds
    )


@transaction.atomic
def force(operation: Operation, by: str) -> Said:
    """Let the task go past what blocks it, from its next turn on, and return what that was.

    Raises Conflict when nothing blocks it (any more), or it is forced already.
    """
    row = _blocked(operation)
    operations.held(row).update(forced_by=by, due_at=timezone.now())
    obstacle = Said(row.waiting_key, row.waiting_args)
    operations.append(row, "event.forced", level=OperationEvent.Level.WARNING, actor=by, reason=obstacle.stored())
    return obstacle


@transaction.atomic
def try_now(operation: Operation, by: str) -> None:
    """Make the next try due at once. Raises Conflict when nothing blocks the task (any more)."""
    row = _blocked(operation)
    operations.held(row).update(due_at=timezone.now())
    operations.append(row, "event.try_now", actor=by)


def _blocked(operation: Operation) -> Operation:
    row = Operation.objects.select_for_update().get(pk=operation.pk)
    if not row.blocked or row.cancel_asked:
        raise Conflict("error.not_blocked")
    return row
