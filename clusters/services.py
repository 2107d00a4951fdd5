"""Everything that changes a cluster: check, lock, change, reserve, record, schedule. Each is one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from clusters import fleet, intervals, preparing, warm, wishes
from clusters.engines.base import Preview, StepSpec, Wanted
from clusters.models import Cluster, NodePool
from pks_portal.errors import Conflict, PortalError
from pks_portal.operations import history, holding, live
from pks_portal.operations import services as operations
from pks_portal.operations.models import Operation
from pks_portal.operations.tasks import submit
from tenants import audit, quotas, requests
from tenants.access import require
from tenants.models import Tenant, User


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePreview:
    """What a change would do: the engine's part and the quota's. `minutes`: (median, p90) of past runs, or None."""

    engine: Preview
    quota: list[quotas.Line]
    refusals: list[PortalError]
    seconds: tuple[float, float] | None


def create_cluster(
    actor: User, tenant: Tenant, wish: wishes.NewCluster, *, request_key: str = ""
) -> tuple[Operation, Cluster]:
    """Record the cluster and start building it, within the tenant's quota and the host's capacity.

    The same `request_key` again returns the first request's task. Raises Forbidden, Invalid, Conflict,
    QuotaExceeded, ValidationError; then nothing is left behind.
    """
    require(actor, "cluster.create", tenant)
    cluster, pool = wishes.built(actor, tenant, wish)
    refuse(fleet.preview(wish.cloud, None, fleet.wanted_from(cluster, [pool])))
    with transaction.atomic():
        Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        if earlier := operations.already_asked(actor, request_key):
            return earlier, _subject(earlier)
        cluster.full_clean()
        taken = None if wish.external_hostname else warm.claim(wish.cloud, wish.version, cluster.control_plane)
        cluster.pk = taken or cluster.pk
        pool.cluster = cluster
        quotas.reserve(tenant, cluster.pk, wishes.amounts(pool))
        cluster.save(force_insert=True)
        pool.save()
        operation = operations.start(
            new_operation("create", cluster, wanted={"nodes": wish.nodes}, request_key=request_key),
            tenant=tenant,
            actor=actor,
        )
        if taken:
            operations.append(operation, "event.claimed_spare")
        created(operation, cluster, wish.nodes)
    return operation, cluster


def created(operation: Operation, cluster: Cluster, nodes: int) -> None:
    """Record a cluster that was just made, tell open pages, and schedule the work on it."""
    intervals.open_interval(cluster)
    live.changed_soon("cluster", cluster.pk, cluster.tenant_id)
    audit.record(
        operation.actor, "cluster.create", cluster, tenant=cluster.tenant,
        plan=cluster.plan.slug, nodes=nodes, version=cluster.version, cloud=cluster.cloud.slug, task=operation.pk,
    )  # fmt: skip
    if cluster.cloud.kind == "local":
        preparing.ensure_for(cluster.cloud, cluster.version)
    submit(operation)


def preview_create(actor: User, tenant: Tenant, wish: wishes.NewCluster) -> ChangePreview:
    """Say what creating the cluster would do, without doing any of it. Raises Forbidden, Invalid, ValidationError."""
    require(actor, "cluster.create", tenant)
    cluster, pool = wishes.built(actor, tenant, wish)
    cluster.full_clean()
    preview = fleet.preview(wish.cloud, None, fleet.wanted_from(cluster, [pool]))
    return _preview("create", cluster, preview, wishes.amounts(pool))


def scale_cluster(actor: User, cluster: Cluster, nodes: int, *, request_key: str = "") -> Operation:
    """Change the number of worker nodes of the cluster's first pool.

    Raises Forbidden, Invalid (out of the plan's bounds), Conflict (busy, or nothing to do), QuotaExceeded.
    """
    require(actor, "cluster.scale", cluster.tenant)
    wishes.check_nodes(cluster.plan, nodes)
    preview = scale_refused(cluster, nodes)
    with transaction.atomic():
        # Locks are taken in one order everywhere, here and in workers: operation, tenant, cluster.
        list(operations.unfinished(cluster.pk).select_for_update())
        if earlier := operations.already_asked(actor, request_key):
            return earlier
        if (pool := cluster.pools.filter().first()) is None:
            raise Conflict("error.subject_gone", name=cluster.name)
        before = pool.nodes
        if nodes == before:
            raise Conflict("error.same_size", field="nodes", name=cluster.name, nodes=nodes)
        operation = operations.start(
            new_operation(
                "scale", cluster, preview.steps, wanted={"nodes": nodes, "before": before}, request_key=request_key
            ),
            tenant=cluster.tenant,
            actor=actor,
        )
        resized(operation, cluster, pool, nodes)
    return operation


def scale_refused(cluster: Cluster, nodes: int) -> Preview:
    """Return what the engine plans for another size. Raises Conflict when it is not possible now."""
    current = _current(cluster)
    preview = fleet.preview(cluster.cloud, current, fleet.resized(current, nodes))
    refuse(preview)
    return preview


def resized(operation: Operation, cluster: Cluster, pool: NodePool, nodes: int) -> None:
    """Reserve for another size, want it, record that and schedule the work. Raises QuotaExceeded."""
    before = pool.nodes
    pool.nodes = max(nodes, before, len(cluster.nodes_seen))  # what goes is given back when it has gone
    quotas.reserve(cluster.tenant, cluster.pk, wishes.amounts(pool))
    pool.nodes = nodes
    pool.save()
    intervals.set_status(cluster, Cluster.Status.CHANGING)
    audit.record(
        operation.actor, "cluster.scale", cluster, tenant=cluster.tenant, nodes=nodes, before=before, task=operation.pk
    )
    submit(operation)


def preview_scale(actor: User, cluster: Cluster, nodes: int) -> ChangePreview:
    """Say what scaling would do, without doing any of it. Raises Forbidden, Invalid."""
    require(actor, "cluster.scale", cluster.tenant)
    wishes.check_nodes(cluster.plan, nodes)
    current = _current(cluster)
    preview = fleet.preview(cluster.cloud, current, fleet.resized(current, nodes))
    if (pool := cluster.pools.filter().first()) is None:
        raise Conflict("error.subject_gone", name=cluster.name)
    pool.nodes = nodes
    return _preview("scale", cluster, preview, wishes.amounts(pool))


def delete_cluster(actor: User, cluster: Cluster, *, request_key: str = "") -> Operation:
    """Remove the cluster and everything it consists of; unfinished work on it is cancelled first.

    Raises Forbidden, Conflict (already being deleted).
    """
    require(actor, "cluster.delete", cluster.tenant)
    if earlier := operations.already_asked(actor, request_key):
        return earlier
    with transaction.atomic():
        beside = holding.lock_beside(cluster.pk)
        operation = operations.start(
            new_operation("delete", cluster, request_key=request_key),
            tenant=cluster.tenant,
            actor=actor,
        )
        _lapse(beside)  # which locks the tenant: not before the new task is there, for which a scale may make us wait
        intervals.set_status(cluster, Cluster.Status.DELETING)
        audit.record(actor, "cluster.delete", cluster, tenant=cluster.tenant, task=operation.pk)
        submit(operation)
    return operation


def _lapse(beside: Sequence[Operation]) -> None:
    """End what is held for a cluster that is to go."""
    for operation in beside:
        if operation.status == Operation.Status.HELD:
            operations.end(operation, Operation.Status.CANCELLED, key="held.lapsed")
            requests.lapse(operation.pk)


def retry(actor: User, earlier: Operation) -> Operation:
    """Start a failed or cancelled change of a cluster anew, towards what is still wanted.

    Raises Forbidden, Conflict (busy, or the cluster is gone).
    """
    cluster = _subject(earlier)
    change = earlier.kind.removeprefix("cluster.")
    if change == "delete":
        return delete_cluster(actor, cluster)
    require(actor, f"cluster.{change}", cluster.tenant)
    if change == "create" and cluster.cloud.kind == "local":
        preparing.ensure_for(cluster.cloud, cluster.version)
    with transaction.atomic():
        operation = operations.start(
            new_operation(change, cluster, wanted={**earlier.wanted, "nodes": cluster.nodes}, request_key=""),
            tenant=cluster.tenant,
            actor=actor,
        )
        intervals.set_status(cluster, Cluster.Status.CREATING if change == "create" else Cluster.Status.CHANGING)
        audit.record(actor, f"cluster.{change}", cluster, tenant=cluster.tenant, retry_of=earlier.pk, task=operation.pk)
        submit(operation)
    return operation


def set_labels(actor: User, cluster: Cluster, labels: Mapping[str, str]) -> None:
    """Replace the cluster's labels. Raises Forbidden, Invalid."""
    require(actor, "cluster.label", cluster.tenant)
    wishes.check_labels(labels)
    with transaction.atomic():
        rows = Cluster.objects.select_related("tenant", "plan", "cloud")
        if (row := rows.select_for_update(of=["self"]).filter(pk=cluster.pk).first()) is None:
            raise Conflict("error.subject_gone", name=cluster.name)
        cluster = row
        Cluster.objects.filter(pk=cluster.pk).update(labels=dict(labels))
        cluster.labels = dict(labels)
        intervals.turn(cluster)
        live.changed_soon("cluster", cluster.pk, cluster.tenant_id)
        audit.record(actor, "cluster.label", cluster, tenant=cluster.tenant, labels=dict(labels))


def refuse(preview: Preview) -> None:
    """Raise Conflict when the engine says that the change is not possible now."""
    if preview.refusal is not None:
        raise Conflict(preview.refusal.key, **preview.refusal.args)


def _current(cluster: Cluster) -> Wanted:
    """Return the cluster as it is wanted now. Raises Conflict when it is gone since it was read."""
    wanted = fleet.wanted_of(cluster)
    if not wanted.pools:
        raise Conflict("error.subject_gone", name=cluster.name)
    return wanted


def _subject(operation: Operation) -> Cluster:
    """Return the cluster of an earlier request. Raises Conflict when it is gone since."""
    rows = Cluster.objects.select_related("tenant", "plan", "cloud")
    if (cluster := rows.filter(pk=operation.subject_id).first()) is None:
        raise Conflict("error.subject_gone", name=operation.subject_name)
    return cluster


def new_operation(
    change: str,
    cluster: Cluster,
    steps: Sequence[StepSpec] = (),
    *,
    wanted: Mapping[str, object] | None = None,
    request_key: str,
) -> operations.NewOperation:
    """Return a change as a task; without `steps` it has all that the engine plans for such a change."""
    planned = steps or fleet.engine_of(cluster.cloud).steps(change)
    return operations.NewOperation(
        kind=f"cluster.{change}",
        subject_type="cluster",
        subject_id=cluster.pk,
        subject_name=cluster.name,
        steps=[(step.name, step.weight) for step in planned],
        wanted=wanted or {},
        engine=cluster.cloud.kind,
        plan=cluster.plan.slug,
        queue=fleet.queue_of(cluster.cloud),
        cancellable=change != "delete",
        request_key=request_key,
    )


def _preview(change: str, cluster: Cluster, preview: Preview, amounts: Mapping[str, int]) -> ChangePreview:
    lines = quotas.lines(cluster.tenant, subject=cluster.pk, wanted=amounts)
    refusals: list[PortalError] = [quotas.exceeded(cluster.tenant, line) for line in lines if line.over]
    if preview.refusal is not None:
        refusals.append(Conflict(preview.refusal.key, **preview.refusal.args))
    seconds = history.past_runs(f"cluster.{change}", engine=cluster.cloud.kind, plan=cluster.plan.slug)
    return ChangePreview(engine=preview, quota=lines, refusals=refusals, seconds=seconds)
