"""What blocks a task until a person decides: it tries again ever less often, says so, and may be forced."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from pks_portal.errors import Conflict
from pks_portal.messages import Said
from pks_portal.operations import pausing, runner
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import Turn
from pks_portal.operations.models import Operation, OperationEvent

QUIET = timedelta(seconds=5)  # what is over sooner is no obstacle: a moved pod that is not ready yet
PATIENCE = timedelta(minutes=10)
LONGEST_PAUSE = 30.0
FREE: dict[str, Any] = {"obstacle": {}, "blocked_since": None}


def met(operation: Operation, said: Said, names: Sequence[str]) -> Turn:
    """Record what stands in the way and return when the task tries again; after PATIENCE it counts as waiting.

    `names` are what a person who forces it lets the task go past. The same words, the same obstacle: anything else is
    progress, from which time counts anew. Raises Fenced.
    """
    with transaction.atomic():
        row, now = operations.lock(operation), timezone.now()
        since = _since(row, said, now)
        age = (now - since).total_seconds()
        obstacle = {"said": said.stored(), "names": list(names), "since": since.isoformat()}
        if now - since < QUIET:
            operations.held(operation).update(obstacle=obstacle, blocked_since=None)
            pausing.resumed(operation)
            return runner.soon(moved=False, idle_for=age)
        status = _status(row, waiting=now - since > PATIENCE)
        again = min(LONGEST_PAUSE, max(0.25, age / 20))
        operations.held(operation).update(
            obstacle=obstacle, blocked_since=since, waiting_key=said.key, waiting_args=dict(said.args), status=status
        )
        if row.blocked_since is None or row.status != status:
            _tell(operation, said, since=f"{since:%Y-%m-%d %H:%M:%S} UTC")
        asked, operation.due_at = row.due_at != operation.due_at, row.due_at
    return Turn(again=0.05 if asked else again)


def passed(row: Operation) -> None:
    """Forget what stood in the way of a locked row: nothing does any more, or nothing that this turn could see."""
    if row.obstacle:
        operations.held(row).update(**FREE)


def _since(row: Operation, said: Said, now: datetime) -> datetime:
    if row.obstacle.get("said") != said.stored():
        return now
    return datetime.fromisoformat(row.obstacle["since"])


def _status(row: Operation, *, waiting: bool) -> Operation.Status:
    status = Operation.Status(row.status)
    if status == Operation.Status.CANCELLING:
        return status
    return Operation.Status.WAITING if waiting else Operation.Status.RUNNING


def _tell(operation: Operation, said: Said, *, since: str) -> None:
    step = operation.steps.filter(state="running").values_list("name", flat=True).first() or ""
    level = OperationEvent.Level.WARNING
    operations.append(operation, "event.blocked", step=step, level=level, reason=said.stored(), since=since)


@transaction.atomic
def force(operation: Operation, by: str) -> Said:
    """Let the task go past what blocks it now, from its next turn on, and return what that was.

    Raises Conflict when nothing blocks it (any more).
    """
    row = _blocked(operation)
    forced = sorted({*row.forced, *row.obstacle["names"]})
    operations.held(row).update(forced=forced, forced_by=by, due_at=timezone.now(), **FREE)
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
    if not row.blocked:
        raise Conflict("error.not_blocked")
    return row
