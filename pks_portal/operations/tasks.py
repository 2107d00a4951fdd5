"""The worker's doors: carry one operation on, and look for those that nobody carries on."""

from celery import shared_task
from django.db import transaction

from pks_portal.operations import runner
from pks_portal.operations import services as operations
from pks_portal.operations.models import Operation


@shared_task(ignore_result=True)
def advance(operation_id: str) -> None:
    """Carry an operation on; when it must wait, come back in time."""
    if (seconds := runner.run(operation_id)) is not None:
        queue = Operation.objects.values_list("queue", flat=True).get(pk=operation_id)
        advance.apply_async((operation_id,), countdown=seconds, queue=queue)
        return
    wake_next(operation_id)


@shared_task(ignore_result=True)
def sweep() -> None:
    """Queue again whatever could go on and nobody came for: a dead worker's, a lost message's."""
    for pk, queue in operations.due().values_list("pk", "queue"):
        advance.apply_async((str(pk),), queue=queue)


def submit(operation: Operation) -> None:
    """Queue an operation once the transaction that made it is committed."""
    transaction.on_commit(lambda: advance.apply_async((str(operation.pk),), queue=operation.queue, ignore_result=True))


def wake_next(operation_id: str) -> None:
    """Queue what waits behind an operation that has ended, on the same subject."""
    ended = Operation.objects.filter(pk=operation_id, status__in=Operation.ENDED).first()
    if ended is None:
        return
    waiting = Operation.objects.filter(subject_id=ended.subject_id, status=Operation.Status.QUEUED)
    for pk, queue in waiting.values_list("pk", "queue"):
        advance.apply_async((str(pk),), queue=queue)
