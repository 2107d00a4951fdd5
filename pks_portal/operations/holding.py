"""Work that waits for an approval: held, put off with a reason, and begun once it may be.

A held operation keeps its steps to come and its wish; any number may be held for one subject.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from pks_portal.errors import Conflict
from pks_portal.messages import Said
from pks_portal.operations import services as operations
from pks_portal.operations.models import Operation, OperationEvent
from tenants.models import Tenant, User

Status = Operation.Status


@transaction.atomic
def hold(new: operations.NewOperation, *, tenant: Tenant, actor: User) -> Operation:
    """Record work that may not begin yet, and say what it waits for. Call in the transaction of the request."""
    operation = operations.made(new, tenant, actor, Status.HELD)
    said = Said("event.held", {"actor": actor.username})
    Operation.objects.filter(pk=operation.pk).update(waiting_key="held.approval")
    operation.waiting_key = "held.approval"
    operations.append(operation, said.key, **said.args)
    return operation


def lock_beside(subject_id: UUID) -> list[Operation]:
    """Lock all work on a subject that has not ended, held too, in the order in which everybody locks it."""
    rows = Operation.objects.filter(subject_id=subject_id, status__in=[Status.HELD, *Operation.UNFINISHED])
    return list(rows.order_by("created_at", "id").select_for_update())


def put_off(operation: Operation, said: Said, *, seconds: float) -> None:
    """Say why held work cannot begin yet, an event only when the reason changes, and when it is looked at again.

    Nothing happens when it is no longer held: somebody else began or ended it in this moment.
    """
    with transaction.atomic():
        row = Operation.objects.select_for_update().filter(pk=operation.pk, status=Status.HELD).first()
        if row is None:
            return
        due = timezone.now() + timedelta(seconds=seconds)
        same = (row.waiting_key, row.waiting_args) == (said.key, dict(said.args))
        operations.held(row).update(due_at=due, waiting_key=said.key, waiting_args=dict(said.args))
        if not same:
            operations.append(row, said.key, level=OperationEvent.Level.WARNING, **said.args)


def begin(operation: Operation, *, wanted: Mapping[str, Any], steps: Iterable[tuple[str, int]]) -> None:
    """Queue held work with what is wanted in the end and the steps towards it. Call where its subject is made.

    Raises Conflict ("busy") when other work on the subject was queued in this moment.
    """
    try:
        with transaction.atomic():
            row = operations.lock(operation)
            row.steps.all().delete()
            operations.plan(row, steps)
            operations.held(row).update(
                status=Status.QUEUED, wanted=dict(wanted), due_at=timezone.now(), waiting_key="", waiting_args={}
            )
    except IntegrityError as error:
        raise Conflict("error.busy", name=operation.subject_name, task="", link="/tasks") from error
    operation.refresh_from_db()


def due() -> QuerySet[Operation]:
    """Return the held work that could be looked at again now."""
    return Operation.objects.filter(status=Status.HELD, due_at__lte=timezone.now())
