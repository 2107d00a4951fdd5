"""How a worker carries a cluster's tasks on: ask the engine for what is wanted, and say how far it is."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from celery import shared_task
from django.core.cache import cache
from django.db import transaction

from clusters import fleet, following, intervals, preparing, recording, warm, wishes
from clusters.engines.base import Condition, Engine, Observed, Wanted
from clusters.models import Cloud, Cluster
from pks_portal.errors import PortalError
from pks_portal.messages import Said
from pks_portal.operations import blocking, live, pausing, runner
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import Turn
from pks_portal.operations.models import Operation
from pks_portal.operations.tasks import submit
from tenants import audit, quotas

log = logging.getLogger(__name__)

WAIT_SECONDS = 3.0
QUIET_SECONDS = 5.0
WATCH_SECONDS = 60
EXPIRE_SECONDS = 10  # beat asks again before; a host that was away need not do what was asked meanwhile
Status = Cluster.Status
WATCHED = (Status.RUNNING, Status.DEGRADED)


def cluster_of(operation: Operation) -> Cluster:
    """Return the subject's row, with what an engine needs."""
    rows = Cluster.objects.select_related("tenant", "plan", "cloud").prefetch_related("pools")
    return rows.get(pk=operation.subject_id)


def converge(operation: Operation) -> Turn:
    """Take a step towards what is wanted and read back how far it is (create and scale)."""
    cluster = cluster_of(operation)
    engine, wanted = fleet.engine_of(cluster.cloud), fleet.wanted_of(cluster)
    wanted = replace(wanted, force=_begin(operation, engine, wanted))
    engine.apply(wanted)
    seen = engine.observe(wanted)
    with transaction.atomic():
        row = operations.lock(operation)
        moved = recording.tell_changes(operation, cluster, seen)
        recording.record(cluster, seen)
        moved |= operations.advance_steps(operation, seen.steps)
        if seen.blocked is None:
            blocking.passed(row)
        if seen.waiting is not None:
            # the request for it may be lost on its way to another host
            task = preparing.newest(cluster.cloud, cluster.version) or preparing.ensure(
                cluster.version, queue=operation.queue
            )
            pausing.wait(operation, seen.waiting, seconds=WAIT_SECONDS, task=task)
            return Turn(again=WAIT_SECONDS)
        if seen.blocked is not None:
            return blocking.met(operation, seen.blocked.said, seen.blocked.names)
        _remark(operation, [condition.said for condition in seen.conditions if not condition.ok])
    return Turn(done=True) if seen.settled else runner.soon(moved=moved, idle_for=operations.idle_seconds(operation))


def _begin(operation: Operation, engine: Engine, wanted: Wanted) -> list[str]:
    """Mark the cluster as wanted while the operation is ours: a worker that comes too late must not make it anew.

    Return the names of the obstacles that a person has forced.
    """
    with transaction.atomic():
        row = operations.lock(operation)
        engine.begin(wanted)
    forced: list[str] = row.forced
    return forced


def dismantle(operation: Operation) -> Turn:
    """Take a step of removing everything (delete)."""
    cluster = cluster_of(operation)
    removal = fleet.engine_of(cluster.cloud).remove(cluster.pk)
    moved = operations.advance_steps(operation, removal.steps)
    _remark(operation, removal.left)
    return Turn(done=True) if removal.done else runner.soon(moved=moved, idle_for=operations.idle_seconds(operation))


def _remark(operation: Operation, obstacles: Sequence[Said]) -> None:
    """Say what stands in the way once nothing has moved for a while, and that nothing does when it is gone."""
    if not obstacles:
        pausing.resumed(operation)
    elif operations.idle_seconds(operation) > QUIET_SECONDS:
        pausing.remark(operation, obstacles[0])


def settled(operation: Operation) -> None:
    """The wish is reached: the cluster runs, and reserves exactly what it has."""
    cluster = cluster_of(operation)
    quotas.reserve(cluster.tenant, cluster.pk, wishes.amounts(cluster.pools.get()))
    _settle(operation, Status.RUNNING)
    following.follow_soon(cluster)


def not_settled(operation: Operation, error: PortalError) -> None:
    """The wish was not reached: what is there stays for a look, or for deletion."""
    _settle(operation, Status.FAILED if operation.kind == "cluster.create" else Status.DEGRADED)


def cancelled(operation: Operation) -> None:
    """The person stopped it. A half-made cluster waits for its deletion; a scaled one goes back to its size before."""
    if operation.kind == "cluster.create":
        _settle(operation, Status.FAILED)
    elif operation.wanted.get("before") in {None, operation.wanted["nodes"]}:
        _settle(operation, Status.DEGRADED)  # it was the way back itself
    elif (cluster := cluster_of(operation)).status != Status.DELETING:
        _scale_back(operation, cluster)


def _scale_back(operation: Operation, cluster: Cluster) -> None:
    """Wish for the size before the cancelled change; its reservation was kept for this."""
    pool = cluster.pools.get()
    pool.nodes = operation.wanted["before"]
    pool.save()
    quotas.reserve(cluster.tenant, cluster.pk, wishes.amounts(pool))
    new = operations.NewOperation(
        kind="cluster.scale",
        subject_type="cluster",
        subject_id=cluster.pk,
        subject_name=cluster.name,
        steps=[(step.name, step.weight) for step in fleet.engine_of(cluster.cloud).steps("scale")],
        wanted={"nodes": pool.nodes, "before": pool.nodes},
        engine=cluster.cloud.kind,
        plan=cluster.plan.slug,
        queue=fleet.queue_of(cluster.cloud),
    )
    back = operations.start(new, tenant=cluster.tenant, actor=operation.actor)
    operations.append(back, "event.scale_back", nodes=pool.nodes)
    submit(back)


def gone(operation: Operation) -> None:
    """Nothing is left outside: forget what was wanted, give the quota back, keep the story."""
    quotas.release(operation.subject_id)  # which locks the tenant: before the cluster, then its interval, as everywhere
    if (cluster := Cluster.objects.select_for_update().filter(pk=operation.subject_id).first()) is None:
        return
    intervals.close_interval(cluster)
    live_tenant = cluster.tenant_id
    cluster.delete()
    live.changed_soon("cluster", operation.subject_id, live_tenant)


def not_gone(operation: Operation, error: PortalError) -> None:
    """The removal did not succeed: say so and let it be tried again."""
    _settle(operation, Status.FAILED)


def _settle(operation: Operation, status: str) -> None:
    """Write the subject's status, unless it is gone or on its way to be."""
    cluster = Cluster.objects.select_related("tenant", "plan", "cloud").filter(pk=operation.subject_id).first()
    if cluster is not None and (cluster.status != Status.DELETING or operation.kind == "cluster.delete"):
        intervals.set_status(cluster, status)


@shared_task(ignore_result=True)
def stock() -> None:
    """Have every cloud's warm pool kept as full as it should be, on its host."""
    for cloud in warm.stocked():
        stock_cloud.apply_async((cloud.pk,), queue=fleet.queue_of(cloud), expires=EXPIRE_SECONDS)


@shared_task(ignore_result=True)
def stock_cloud(cloud_id: int) -> None:
    """Keep one cloud's warm pool as full as it should be."""
    with _alone(f"clusters.stock.{cloud_id}") as alone:
        if alone:
            warm.stock(Cloud.objects.get(pk=cloud_id))


@shared_task(ignore_result=True)
def watch() -> None:
    """Have the clusters of every cloud looked at, on its host."""
    watched = Cluster.objects.filter(status__in=WATCHED).values("cloud")
    for cloud in Cloud.objects.filter(pk__in=watched):
        watch_cloud.apply_async((cloud.pk,), queue=fleet.queue_of(cloud), expires=EXPIRE_SECONDS)


@shared_task(ignore_result=True)
def watch_cloud(cloud_id: int) -> None:
    """Look at every cluster of a cloud that no task is changing, and turn it degraded or running as it is."""
    with _alone(f"clusters.watch.{cloud_id}") as alone:
        if alone:
            _watch(cloud_id)


def _watch(cloud_id: int) -> None:
    busy = Operation.objects.filter(status__in=Operation.UNFINISHED).values("subject_id")
    rows = Cluster.objects.filter(cloud=cloud_id, status__in=WATCHED).exclude(pk__in=busy)
    for cluster in rows.select_related("tenant", "plan", "cloud").prefetch_related("pools"):
        try:
            look(cluster)
        except Exception:  # one cluster must not blind the watch for all others
            log.exception("Cluster %s could not be looked at.", cluster.pk)


@contextmanager
def _alone(name: str) -> Iterator[bool]:
    """Yield whether nobody else is at this, for at most WATCH_SECONDS."""
    alone = cache.add(name, 1, WATCH_SECONDS)
    try:
        yield alone
    finally:
        if alone:
            cache.delete(name)


def look(cluster: Cluster) -> None:
    """Observe one cluster and write what was seen; an engine that fails makes it degraded, not the watch."""
    try:
        seen = fleet.engine_of(cluster.cloud).observe(fleet.wanted_of(cluster))
    except PortalError as exc:
        seen = Observed(exists=True, conditions=[Condition(name="engine", ok=False, said=exc.said)])
    restarted = recording.restarted(cluster, seen)
    status = Status.RUNNING if seen.healthy and seen.settled else Status.DEGRADED
    with transaction.atomic():
        if list(operations.unfinished(cluster.pk).select_for_update()):
            return  # a task has begun meanwhile and sees for itself
        recording.record(cluster, seen)
        if restarted:
            audit.record(None, "cluster.restarted", cluster, tenant=cluster.tenant, parts=restarted)
        turned = Cluster.objects.filter(pk=cluster.pk, status__in=WATCHED).exclude(status=status)
        if turned.update(status=status):
            cluster.status = status
            intervals.turn(cluster)
            live.changed_soon("cluster", cluster.pk, cluster.tenant_id)
