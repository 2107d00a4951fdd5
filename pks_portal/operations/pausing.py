"""Put an operation off and say why: until a retry, a wait, its next turn; and that nothing stands in its way."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from pks_portal.errors import PortalError
from pks_portal.messages import Said
from pks_portal.operations.models import Operation, OperationStep
from pks_portal.operations.services import Level, Status, append, held, lock

State = OperationStep.State


def retry_later(operation: Operation, error: PortalError, *, seconds: float, attempt: int, allowed: int) -> None:
    """Record that a step failed for now, with attempt k of n and the time of the next."""
    with transaction.atomic():
        due = _next_try(lock(operation), seconds)
        operation.steps.filter(state=State.RUNNING).update(next_retry_at=due, attempt=attempt, attempts_allowed=allowed)
        held(operation).update(due_at=due, lease_until=None, failures=attempt)
        append(
            operation,
            "event.retry",
            level=Level.WARNING,
            reason=error.said.stored(),
            attempt=attempt,
            allowed=allowed,
            seconds=round(seconds, 1),
        )


def wait(operation: Operation, said: Said, *, seconds: float, task: Operation | None = None) -> None:
    """Say what the operation waits for, and give it up until then; an event only when the reason changes.

    `task`: the platform's, if it is one; who may see the operation may see that too.
    """
    with transaction.atomic():
        row = lock(operation)
        due = _next_try(row, seconds)
        status = row.status if row.status == Status.CANCELLING else Status.WAITING
        held(operation).update(
            status=status,
            due_at=due,
            lease_until=None,
            waiting_key=said.key,
            waiting_args=dict(said.args),
            waits_for=task or row.waits_for,
        )
        if (row.waiting_key, row.waiting_args) != (said.key, dict(said.args)):
            append(operation, said.key, level=Level.WARNING, **said.args)


def _next_try(row: Operation, seconds: float) -> datetime:
    """Return when to go on: at once where that is to stop."""
    return timezone.now() + timedelta(seconds=0 if row.cancel_asked else seconds)


def release(operation: Operation, seconds: float) -> None:
    """Give the operation up until its next turn, which is now if a person has asked for something meanwhile."""
    unasked = held(operation).filter(due_at=operation.due_at)
    unasked.update(due_at=timezone.now() + timedelta(seconds=seconds))
    held(operation).update(lease_until=None)


def remark(operation: Operation, said: Said) -> None:
    """Say what stands in the way while the work still tries; an event only when the reason changes."""
    with transaction.atomic():
        row = lock(operation)
        if (row.waiting_key, row.waiting_args) != (said.key, dict(said.args)):
            held(operation).update(waiting_key=said.key, waiting_args=dict(said.args))
            step = operation.steps.filter(state=State.RUNNING).values_list("name", flat=True).first() or ""
            append(operation, said.key, step=step, level=Level.WARNING, **said.args)


def resumed(operation: Operation) -> None:
    """Say that the operation no longer waits, and that nothing stands in its way."""
    held(operation).filter(status=Status.WAITING).update(status=Status.RUNNING)
    held(operation).exclude(waiting_key="").update(waiting_key="", waiting_args={})
