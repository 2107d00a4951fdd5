"""Start, claim, report on, put off, cancel and end operations: the only code that writes their rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet, Subquery
from django.utils import timezone

from pks_portal.errors import Conflict, PortalError
from pks_portal.operations import live
from pks_portal.operations.kinds import KINDS
from pks_portal.operations.models import Operation, OperationEvent, OperationStep
from tenants.models import Tenant, User

LEASE = timedelta(seconds=8)
Level = OperationEvent.Level
Status = Operation.Status
State = OperationStep.State


class Fenced(Exception):
    """A later claim has taken the operation from this worker: it must stop and write nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOperation:
    """What starts as a task. `steps`: (name, weight) in order. `engine` and `plan` let past runs predict this one."""

    kind: str
    subject_type: str
    subject_id: UUID
    subject_name: str
    steps: Iterable[tuple[str, int]]
    wanted: Mapping[str, Any] = field(default_factory=dict)
    engine: str = ""
    plan: str = ""
    queue: str = "celery"
    cancellable: bool = True
    request_key: str = ""


@transaction.atomic
def start(new: NewOperation, *, tenant: Tenant | None, actor: User | None) -> Operation:
    """Record new work; refuse it while other work on the same subject is unfinished.

    A delete asks the unfinished work to cancel and queues behind it. Call in the transaction of the wish.
    Raises Conflict with a link to the unfinished task.
    """
    deleting = new.kind.endswith(".delete")
    for other in unfinished(new.subject_id).select_for_update():
        if not deleting or other.kind == new.kind:
            raise Conflict("error.busy", name=new.subject_name, task=str(other.pk), link=f"/tasks/{other.pk}")
        _supersede(other)
    try:
        with transaction.atomic():
            operation = made(new, tenant, actor, Status.QUEUED)
    except IntegrityError as exc:
        raise Conflict("error.busy", name=new.subject_name, task="", link="/tasks") from exc
    append(operation, "event.queued", actor=operation.actor_name)
    return operation


def made(new: NewOperation, tenant: Tenant | None, actor: User | None, status: Status) -> Operation:
    """Make the rows of new work."""
    operation = Operation.objects.create(
        kind=new.kind,
        subject_type=new.subject_type,
        subject_id=new.subject_id,
        subject_name=new.subject_name,
        wanted=dict(new.wanted),
        engine=new.engine,
        plan=new.plan,
        queue=new.queue,
        cancellable=new.cancellable,
        request_key=new.request_key,
        tenant=tenant,
        actor=actor,
        actor_name=actor.username if actor else "portal",
        status=status,
    )
    plan(operation, new.steps)
    return operation


def plan(operation: Operation, steps: Iterable[tuple[str, int]]) -> None:
    OperationStep.objects.bulk_create(
        OperationStep(operation=operation, index=index, name=name, weight=weight)
        for index, (name, weight) in enumerate(steps)
    )


def unfinished(subject_id: UUID | Subquery) -> QuerySet[Operation]:
    """Return the work on a subject that has not ended, in the order of its locks: what runs, then what waits."""
    rows = Operation.objects.filter(subject_id=subject_id, status__in=Operation.UNFINISHED)
    return rows.order_by("created_at", "id")


def idle_seconds(operation: Operation) -> float:
    """Return how long nothing has happened."""
    last = operation.events.order_by("-seq").values_list("at", flat=True).first()
    return (timezone.now() - last).total_seconds() if last else 0.0


def already_asked(actor: User, request_key: str) -> Operation | None:
    """Return the task of an earlier request with the same idempotency key: a double click, a repeated POST."""
    return Operation.objects.filter(actor=actor, request_key=request_key).first() if request_key else None


def claim(operation_id: UUID | str) -> Operation | None:
    """Take an unfinished operation whose next attempt is due; None means that there is nothing to do now."""
    now = timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    rows = Operation.objects.filter(free, pk=operation_id, status__in=Operation.UNFINISHED, due_at__lte=now)
    queued = Q(status=Status.QUEUED)
    subject = Operation.objects.filter(pk=operation_id).values("subject_id")
    try:
        with transaction.atomic():
            # what runs before what waits behind it, as whoever starts or cancels work locks them: the index on active
            # work would make us wait for the first while we hold the second
            list(unfinished(Subquery(subject)).select_for_update())
            taken = rows.filter(queued).update(status=Status.RUNNING, **_claimed(now)) or rows.exclude(queued).update(
                **_claimed(now)
            )
    except IntegrityError:
        return None  # other work on the subject is still active; its end will queue us
    if not taken:
        return None
    operation = Operation.objects.select_related("tenant", "actor").get(pk=operation_id)
    if operation.started_at is None:
        Operation.objects.filter(pk=operation_id).update(started_at=now)
        operation.started_at = now
    return operation


def _claimed(now: datetime) -> dict[str, Any]:
    return {"lease_until": now + LEASE, "fence": F("fence") + 1, "attempts": F("attempts") + 1}


def held(operation: Operation) -> QuerySet[Operation]:
    """Return the operation's row, unless a later claim has taken it from us."""
    return Operation.objects.filter(pk=operation.pk, fence=operation.fence)


def renew(operation: Operation) -> bool:
    """Keep the lease; False when a later claim has the operation."""
    return bool(held(operation).update(lease_until=timezone.now() + LEASE))


def lock(operation: Operation) -> Operation:
    """Lock the row and return it fresh; raise Fenced if it is no longer ours. Call inside a transaction."""
    row = held(operation).select_for_update().first()
    if row is None:
        raise Fenced(str(operation.pk))
    return row


def append(operation: Operation, key: str, *, step: str = "", level: str = Level.INFO, **args: Any) -> OperationEvent:
    """Append the next event and nudge those who watch once it is committed; raise Fenced if it is no longer ours."""
    with transaction.atomic():
        row = lock(operation)
        seq = row.last_seq + 1
        Operation.objects.filter(pk=row.pk).update(last_seq=seq)
        event = OperationEvent.objects.create(operation=operation, seq=seq, step=step, level=level, key=key, args=args)
        transaction.on_commit(partial(live.nudge, operation.pk, seq))
        transaction.on_commit(partial(live.changed, "task", operation.pk, operation.tenant_id))
    return event


def advance_steps(operation: Operation, shares: Mapping[str, float]) -> bool:
    """Write how much of each step is done, with an event at each start and end; say whether anything moved.

    A step starts when all before it are done. Raises Fenced.
    """
    moved = False
    with transaction.atomic():
        lock(operation)
        earlier_done, total, done = True, 0.0, 0.0
        for step in operation.steps.all():
            share = min(1.0, max(step.share, shares.get(step.name, 0.0)))
            moved |= _move(operation, step, share, startable=earlier_done)
            earlier_done &= step.state in {State.DONE, State.SKIPPED}
            total += step.weight
            done += step.weight * step.share
        if moved:
            progress = int(100 * done / total) if total else 0
            Operation.objects.filter(pk=operation.pk).update(progress=min(progress, 99), failures=0)
    return moved


def _move(operation: Operation, step: OperationStep, share: float, *, startable: bool) -> bool:
    """Bring one step up to its share done."""
    now = timezone.now()
    before = (step.state, step.share)
    step.share = share
    if step.state in {State.PENDING, State.FAILED} and startable:
        step.state, step.started_at, step.attempt = State.RUNNING, step.started_at or now, step.attempt + 1
        append(operation, "event.step_started", step=step.name)
    if step.state == State.RUNNING and share >= 1:
        step.state, step.ended_at, step.next_retry_at = State.DONE, now, None
        append(operation, "event.step_done", step=step.name)
    if before != (step.state, step.share):
        step.save()
        return True
    return False


def _supersede(other: Operation) -> None:
    """Make way for a delete, which settles the subject itself: what has not begun ends, what runs is asked to."""
    if other.status == Status.QUEUED:
        end(other, Status.CANCELLED)
    else:
        cancel(other)


def cancel_asked(operation: Operation) -> bool:
    """Say whether somebody asked the operation to stop; raise Fenced when it is no longer ours."""
    asked = held(operation).values_list("cancel_asked", flat=True).first()
    if asked is None:
        raise Fenced(str(operation.pk))
    return asked


def cancel(operation: Operation, *, by: User | None = None) -> None:
    """Ask an operation to stop at its next safe point; one that has not begun ends at once. `by`: who asks."""
    with transaction.atomic():
        row = Operation.objects.select_for_update().get(pk=operation.pk)
        if row.ended or row.cancel_asked:
            return
        if row.status in {Status.QUEUED, Status.HELD}:
            end(row, Status.CANCELLED)
            kind = KINDS[row.kind]
            kind.dropped(row, by) if row.status == Status.HELD else kind.cancelled(row)
            return
        held(row).update(cancel_asked=True, due_at=timezone.now(), status=Status.CANCELLING)
        append(row, "event.cancel_asked", level=Level.WARNING)


def end(operation: Operation, status: Status, *, error: PortalError | None = None, key: str = "") -> None:
    """Close the operation with its last event and let what is queued behind it go on. Raises Fenced."""
    with transaction.atomic():
        lock(operation)
        now = timezone.now()
        changes: dict[str, Any] = {"status": status, "ended_at": now, "lease_until": None, "waiting_key": ""}
        changes["blocked_since"] = None
        if status == Status.SUCCEEDED:
            changes["progress"] = 100
            operation.steps.exclude(state=State.DONE).update(state=State.SKIPPED)
        else:
            ended_as = State.SKIPPED if status == Status.CANCELLED else State.FAILED
            operation.steps.filter(state=State.RUNNING).update(state=ended_as, ended_at=now, next_retry_at=None)
        if error is not None:
            changes |= {
                "error_key": error.key,
                "error_args": error.facts,
                "error_system": error.system,
                "error_cause": error.cause,
            }
        held(operation).update(**changes)
        level = Level.ERROR if status == Status.FAILED else Level.INFO
        append(operation, key or f"event.{status}", level=level, reason=error.said.stored() if error else "")


def due(now: datetime | None = None) -> QuerySet[Operation]:
    """Return what nobody works on although it could go on: new, put off until now, or left by a dead worker."""
    now = now or timezone.now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    return Operation.objects.filter(free, status__in=Operation.UNFINISHED, due_at__lte=now)
