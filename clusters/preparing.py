"""The platform's task "prepare Kubernetes": make the programs of a version on this machine, in sight of everybody."""

import time
from uuid import UUID, uuid5

from celery import shared_task
from django.db import transaction

from clusters import fleet
from clusters.engines.local import binaries
from clusters.engines.local.binaries import PHASES, State
from clusters.fleet import HERE
from clusters.models import Cloud
from pks_portal.errors import Conflict
from pks_portal.operations import runner
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import Turn
from pks_portal.operations.models import Operation
from pks_portal.operations.tasks import submit
from tenants import audit
from tenants.access import require
from tenants.models import User

KIND = "kubernetes.prepare"
NAMESPACE = UUID("6f1ac5f5-2a0e-4b39-8f8e-0a9f0c9d7c11")
TELL_EVERY = 10.0


def subject(version: str, queue: str = HERE) -> UUID:
    """Return the id that stands in tasks for a Kubernetes version on the host that serves a queue."""
    return uuid5(NAMESPACE, version if queue == HERE else f"{version} {queue}")


def newest(cloud: Cloud, version: str) -> Operation | None:
    """Return the newest task that makes a version's programs on a cloud's host."""
    return Operation.objects.filter(subject_id=subject(version, fleet.queue_of(cloud))).first()


def ensure_for(cloud: Cloud, version: str) -> None:
    """Have a cloud's host make a version's programs, unless they are ready there."""
    queue = fleet.queue_of(cloud)
    if queue == HERE:
        ensure(version)
    else:
        transaction.on_commit(lambda: ensure_there.apply_async((version, queue), queue=queue))


@shared_task(ignore_result=True)
def ensure_there(version: str, queue: str) -> None:
    """Start the task on the host where this runs."""
    ensure(version, queue=queue)


def ensure(version: str, actor: User | None = None, *, queue: str = HERE) -> Operation | None:
    """Start the task that makes a version's programs on this host, unless they are ready or it runs already."""
    if binaries.state(version).phase == "ready":
        return None
    new = operations.NewOperation(
        kind=KIND,
        subject_type="kubernetes",
        subject_id=subject(version, queue),
        subject_name=version,
        steps=PHASES.items(),
        engine="local",
        queue=queue,
    )
    try:
        with transaction.atomic():
            operation = operations.start(new, tenant=None, actor=actor)
            if actor:
                thing = audit.Thing("kubernetes.version", version, version)
                audit.record(actor, "version.prepare", thing, task=operation.pk)
            submit(operation)
            return operation
    except Conflict:
        return None  # somebody else has asked for it


def retry(actor: User, earlier: Operation) -> Operation:
    """Start a failed or cancelled preparation anew. Raises Forbidden, Conflict (ready, or it runs)."""
    require(actor, "version.prepare", None)
    if (operation := ensure(earlier.subject_name, actor, queue=earlier.queue)) is None:
        raise Conflict("error.version_ready_or_busy", version=earlier.subject_name)
    return operation


def prepare(operation: Operation) -> Turn:
    """Make the programs; what is done stays done, so a killed build goes on where it was."""
    phase, told_at = "", 0.0

    def report(now: State) -> None:
        nonlocal phase, told_at
        if now.phase != phase or time.monotonic() - told_at >= TELL_EVERY:
            phase, told_at = now.phase, time.monotonic()
            operations.append(operation, now.said.key, step=now.phase if now.building else "", **now.said.args)
        if now.building:
            operations.advance_steps(operation, now.steps)

    try:
        binaries.build(operation.subject_name, None, report, lambda: operations.cancel_asked(operation))
    except binaries.BinariesUnusable as error:
        if error.key == "binaries.cancelled":
            raise runner.Stopped from error
        raise
    return Turn(done=True)
