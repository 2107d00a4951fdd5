"""The warm pool: control planes made ahead, so that a new cluster only needs its nodes.

A spare has a cluster's opaque id and everything that hangs on it: directory, keys, addresses, processes. Taking one
over is giving that id to the new cluster; the engine then finds all but the nodes already made.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from clusters import fleet, rights
from clusters.engines.base import Wanted
from clusters.engines.local import binaries
from clusters.models import Cloud, Spare
from pks_portal.errors import PortalError
from pks_portal.operations import runner
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import Turn
from pks_portal.operations.models import Operation
from pks_portal.operations.tasks import submit

FILL, DRAIN = "pool.fill", "pool.drain"
KINDS_WITH_POOL = ("local",)
MEASURE_SECONDS = 15


def claim(cloud: Cloud, version: str, control_plane: int) -> UUID | None:
    """Take a ready spare out of the pool and return its id; None when there is none. Call inside a transaction."""
    if control_plane != 1:
        return None
    spare = Spare.objects.select_for_update(skip_locked=True).filter(cloud=cloud, version=version, ready=True).first()
    if spare is None:
        return None
    taken = spare.pk
    spare.delete()  # sets spare.pk to None
    return taken


def stocked() -> QuerySet[Cloud]:
    """Return the clouds that have a pool, or something left of one."""
    wanted = Q(enabled=True) if settings.PKS_WARM_POOL else Q()
    left = Q(pk__in=Spare.objects.values("cloud"))
    return Cloud.objects.filter((wanted | left) if wanted else left, kind__in=KINDS_WITH_POOL)


def stock(cloud: Cloud) -> None:
    """Start making the spares that are missing, and removing those that are too many or of no use."""
    for version in binaries.offered():
        wanted = settings.PKS_WARM_POOL if cloud.enabled and _made(version) else 0
        spares = list(Spare.objects.filter(cloud=cloud, version=version))
        good = [spare for spare in spares if spare.ready or operations.unfinished(spare.pk).exists()]
        for _ in range(wanted - len(good)):
            with transaction.atomic():
                _begin(FILL, Spare.objects.create(cloud=cloud, version=version))
        for spare in {*good[wanted:], *spares} - {*good[:wanted]}:
            _begin(DRAIN, spare)
    for spare in Spare.objects.filter(cloud=cloud).exclude(version__in=binaries.offered()):
        _begin(DRAIN, spare)
    _measure(cloud)


def _measure(cloud: Cloud) -> None:
    """Keep what each spare takes now, for people who decide how many there should be."""
    if cache.add(f"clusters.warm.measured.{cloud.pk}", 1, MEASURE_SECONDS):
        for spare in Spare.objects.filter(cloud=cloud, ready=True):
            taken = fleet.engine_of(cloud).memory(spare.pk)
            Spare.objects.filter(pk=spare.pk).update(memory_mib=taken)


def pool() -> dict[str, Mapping[str, Any]]:
    """Return by version how many spares are `ready` and the `mib` that they take together."""
    rows = Spare.objects.filter(ready=True).order_by().values("version")
    return {row["version"]: row for row in rows.annotate(ready=Count("pk"), mib=Coalesce(Sum("memory_mib"), 0))}


def _made(version: str) -> bool:
    """Tell whether the programs are here and right; the first time in a process this takes seconds."""
    with suppress(PortalError):
        return binaries.ready(version) is not None
    return False


def wanted_of(spare: Spare) -> Wanted:
    """Return a spare as an engine is told of it: a cluster without nodes."""
    return Wanted(
        id=spare.pk,
        name="spare",
        namespace="spares",
        cloud=spare.cloud.slug,
        version=spare.version,
        control_plane=1,
        pools=(),
        trust=rights.trust_of(spare.pk),  # the cluster keeps the spare's id, so also for whom its tokens are
    )


def fill(operation: Operation) -> Turn:
    """Take a step of making a spare."""
    if (spare := _spare(operation)) is None:
        return Turn(done=True)
    engine, wanted = fleet.engine_of(spare.cloud), wanted_of(spare)
    with transaction.atomic():
        operations.lock(operation)
        engine.begin(wanted)
    engine.apply(wanted)
    seen = engine.observe(wanted)
    moved = operations.advance_steps(operation, seen.steps)
    if seen.settled:
        return Turn(done=True)
    return runner.soon(moved=moved, idle_for=operations.idle_seconds(operation))


def filled(operation: Operation) -> None:
    """The spare may be taken now."""
    Spare.objects.filter(pk=operation.subject_id).update(ready=True)


def drain(operation: Operation) -> Turn:
    """Take a step of removing a spare, unless a cluster has taken it over."""
    if (spare := _spare(operation)) is None:
        return Turn(done=True)
    removal = fleet.engine_of(spare.cloud).remove(spare.pk)
    moved = operations.advance_steps(operation, removal.steps)
    if removal.done:
        return Turn(done=True)
    return runner.soon(moved=moved, idle_for=operations.idle_seconds(operation))


def drained(operation: Operation) -> None:
    """Nothing is left of the spare."""
    Spare.objects.filter(pk=operation.subject_id).delete()


def not_filled(operation: Operation, error: PortalError) -> None:
    """Leave a broken spare to be removed; the next look starts another."""
    Spare.objects.filter(pk=operation.subject_id).update(ready=False)


def _spare(operation: Operation) -> Spare | None:
    return Spare.objects.select_related("cloud").filter(pk=operation.subject_id).first()


def _begin(kind: str, spare: Spare) -> None:
    """Start a task on a spare, unless one is under way; a spare being removed can no longer be taken."""
    engine = fleet.engine_of(spare.cloud)
    change = "create" if kind == FILL else "delete"
    new = operations.NewOperation(
        kind=kind,
        subject_type="spare",
        subject_id=spare.pk,
        subject_name=spare.version,
        steps=[(step.name, step.weight) for step in engine.steps(change)],
        engine=spare.cloud.kind,
        queue=fleet.queue_of(spare.cloud),
    )
    with transaction.atomic():
        if operations.unfinished(spare.pk).exists():
            return
        if kind == DRAIN:
            Spare.objects.filter(pk=spare.pk).update(ready=False)
        submit(operations.start(new, tenant=None, actor=None))
