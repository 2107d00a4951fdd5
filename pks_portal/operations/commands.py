"""What a person may do to a task: cancel it, force it past what blocks it, or start it anew."""

from django.db import transaction

from pks_portal.errors import Conflict
from pks_portal.operations import blocking
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import KINDS
from pks_portal.operations.models import Operation
from pks_portal.operations.tasks import submit
from tenants import audit
from tenants.access import require
from tenants.models import User


def cancel(actor: User, operation: Operation) -> None:
    """Ask a task to stop at its next safe point. Raises Forbidden, Conflict (ended, or it must be finished)."""
    require(actor, "task.cancel", operation.tenant)
    if operation.ended:
        raise Conflict("error.task_ended")
    if not operation.cancellable:
        raise Conflict("error.not_cancellable")
    with transaction.atomic():
        operations.cancel(operation, by=actor)
        audit.record(actor, "task.cancel", operation, tenant=operation.tenant, kind=operation.kind)
        submit(operation)
    operation.refresh_from_db()


def force(actor: User, operation: Operation) -> None:
    """Let a task go past what blocks it. Raises Forbidden, Conflict (nothing blocks it, or it is forced already)."""
    require(actor, "task.force", operation.tenant)
    with transaction.atomic():
        past = blocking.force(operation, actor.username)
        audit.record(actor, "task.force", operation, tenant=operation.tenant, kind=operation.kind, past=past.stored())
        submit(operation)
    operation.refresh_from_db()


def retry(actor: User, operation: Operation) -> Operation:
    """Start a failed or cancelled task anew and return the new one; let a blocked one try now. Raises as cancel."""
    require(actor, "task.cancel", operation.tenant)
    if operation.blocked:
        with transaction.atomic():
            blocking.try_now(operation, actor.username)
            submit(operation)
        operation.refresh_from_db()
        return operation
    again = KINDS[operation.kind].retry
    if again is None or operation.status not in {Operation.Status.FAILED, Operation.Status.CANCELLED}:
        raise Conflict("error.not_retryable")
    if (newer := operation.newer) is not None:
        raise Conflict("error.not_newest", task=str(newer.pk), link=f"/tasks/{newer.pk}")
    return again(actor, operation)
