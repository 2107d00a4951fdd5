"""Everything that changes a cluster: check, lock, change, reserve, record, schedule. Each is one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from clusters import fleet, intervals, preparing, warm
from clusters.engines.base import Credential, Preview
from clusters.models import Cloud, Cluster, Kubeconfig, NodePool, Plan
from pks_portal.errors import Conflict, Invalid, PortalError
from pks_portal.operations import history, live
from pks_portal.operations import services as operations
from pks_portal.operations.models import Operation
from pks_portal.operations.tasks import submit
from tenants import audit, quotas
from tenants.access import require
from tenants.models import Tenant, User

LABELS_ALLOWED = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCluster:
    """What a form or the API asks for."""

    name: str
    plan: Plan
    nodes: int
    version: str
    cloud: Cloud
    external_hostname: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePreview:
    """What a change would do: the engine's part and the quota's. `minutes`: (median, p90) of past runs, or None."""

    engine: Preview
    quota: list[quotas.Line]
    refusals: list[PortalError]
    seconds: tuple[float, float] | None


def create_cluster(
    actor: User, tenant: Tenant, wish: NewCluster, *, request_key: str = ""
) -> tuple[Operation, Cluster]:
    """Record the cluster and start building it, within the tenant's quota and the host's capacity.

    The same `request_key` again returns the first request's task. Raises Forbidden, Invalid, Conflict,
    QuotaExceeded, ValidationError; then nothing is left behind.
    """
    require(actor, "cluster.create", tenant)
    cluster, pool = _built(actor, tenant, wish)
    refuse(fleet.engine_of(wish.cloud).preview(None, fleet.wanted_from(cluster, [pool])))
    with transaction.atomic():
        Tenant.objects.select_for_update().get(pk=tenant.pk)
        if earlier := operations.already_asked(actor, request_key):
            return earlier, _subject(earlier)
        cluster.full_clean()
        taken = None if wish.external_hostname else warm.claim(wish.cloud, wish.version, cluster.control_plane)
        cluster.pk = taken or cluster.pk
        pool.cluster = cluster
        quotas.reserve(tenant, cluster.pk, _amounts(pool))
        cluster.save(force_insert=True)
        pool.save()
        operation = operations.start(
            _new_operation("create", cluster, wanted={"nodes": wish.nodes}, request_key=request_key),
            tenant=tenant,
            actor=actor,
        )
        if taken:
            operations.append(operation, "event.claimed_spare")
        intervals.open_interval(cluster)
        tell(cluster)
        audit.record(
            actor, "cluster.create", cluster, tenant=tenant,
            plan=wish.plan.slug, nodes=wish.nodes, version=wish.version, cloud=wish.cloud.slug,
        )  # fmt: skip
        submit(operation)
    if wish.cloud.kind == "local":
        preparing.ensure(wish.version)
    return operation, cluster


def preview_create(actor: User, tenant: Tenant, wish: NewCluster) -> ChangePreview:
    """Say what creating the cluster would do, without doing any of it. Raises Forbidden, Invalid, ValidationError."""
    require(actor, "cluster.create", tenant)
    cluster, pool = _built(actor, tenant, wish)
    cluster.full_clean()
    preview = fleet.engine_of(wish.cloud).preview(None, fleet.wanted_from(cluster, [pool]))
    return _preview("create", cluster, preview, _amounts(pool))


def scale_cluster(actor: User, cluster: Cluster, nodes: int, *, request_key: str = "") -> Operation:
    """Change the number of worker nodes of the cluster's first pool.

    Raises Forbidden, Invalid (out of the plan's bounds), Conflict (busy, or nothing to do), QuotaExceeded.
    """
    require(actor, "cluster.scale", cluster.tenant)
    if earlier := operations.already_asked(actor, request_key):
        return earlier
    check_nodes(cluster.plan, nodes)
    current = fleet.wanted_of(cluster)
    refuse(fleet.engine_of(cluster.cloud).preview(current, fleet.resized(current, nodes)))
    with transaction.atomic():
        Tenant.objects.select_for_update().get(pk=cluster.tenant_id)
        cluster = Cluster.objects.select_for_update().select_related("tenant", "plan", "cloud").get(pk=cluster.pk)
        pool = cluster.pools.select_for_update().get()
        before = pool.nodes
        if nodes == before:
            raise Conflict("error.same_size", field="nodes", name=cluster.name, nodes=nodes)
        operation = operations.start(
            _new_operation("scale", cluster, wanted={"nodes": nodes, "before": before}, request_key=request_key),
            tenant=cluster.tenant,
            actor=actor,
        )
        pool.nodes = nodes
        quotas.reserve(cluster.tenant, cluster.pk, _amounts(pool))
        pool.save()
        set_status(cluster, Cluster.Status.CHANGING)
        audit.record(actor, "cluster.scale", cluster, tenant=cluster.tenant, nodes=nodes, before=before)
        submit(operation)
    return operation


def preview_scale(actor: User, cluster: Cluster, nodes: int) -> ChangePreview:
    """Say what scaling would do, without doing any of it. Raises Forbidden, Invalid."""
    require(actor, "cluster.scale", cluster.tenant)
    check_nodes(cluster.plan, nodes)
    current = fleet.wanted_of(cluster)
    preview = fleet.engine_of(cluster.cloud).preview(current, fleet.resized(current, nodes))
    pool = cluster.pools.get()
    pool.nodes = nodes
    return _preview("scale", cluster, preview, _amounts(pool))


def delete_cluster(actor: User, cluster: Cluster, *, request_key: str = "") -> Operation:
    """Remove the cluster and everything it consists of; unfinished work on it is cancelled first.

    Raises Forbidden, Conflict (already being deleted).
    """
    require(actor, "cluster.delete", cluster.tenant)
    if earlier := operations.already_asked(actor, request_key):
        return earlier
    with transaction.atomic():
        cluster = Cluster.objects.select_for_update().select_related("tenant", "plan", "cloud").get(pk=cluster.pk)
        operation = operations.start(
            _new_operation("delete", cluster, request_key=request_key, cancellable=False),
            tenant=cluster.tenant,
            actor=actor,
        )
        set_status(cluster, Cluster.Status.DELETING)
        audit.record(actor, "cluster.delete", cluster, tenant=cluster.tenant)
        submit(operation)
    return operation


def retry(actor: User, earlier: Operation) -> Operation:
    """Start a failed or cancelled change of a cluster anew, towards what is still wanted.

    Raises Forbidden, Conflict (busy, or the cluster is gone).
    """
    cluster = _subject(earlier)
    change = earlier.kind.removeprefix("cluster.")
    if change == "delete":
        return delete_cluster(actor, cluster)
    require(actor, f"cluster.{change}", cluster.tenant)
    with transaction.atomic():
        cluster = Cluster.objects.select_for_update().select_related("tenant", "plan", "cloud").get(pk=cluster.pk)
        operation = operations.start(
            _new_operation(change, cluster, wanted={**earlier.wanted, "nodes": cluster.nodes}, request_key=""),
            tenant=cluster.tenant,
            actor=actor,
        )
        set_status(cluster, Cluster.Status.CREATING if change == "create" else Cluster.Status.CHANGING)
        audit.record(actor, f"cluster.{change}", cluster, tenant=cluster.tenant, retry_of=str(earlier.pk))
        submit(operation)
    return operation


def set_labels(actor: User, cluster: Cluster, labels: Mapping[str, str]) -> None:
    """Replace the cluster's labels. Raises Forbidden, Invalid."""
    require(actor, "cluster.label", cluster.tenant)
    check_labels(labels)
    with transaction.atomic():
        Cluster.objects.filter(pk=cluster.pk).update(labels=dict(labels))
        cluster.labels = dict(labels)
        intervals.turn(cluster)
        tell(cluster)
        audit.record(actor, "cluster.label", cluster, tenant=cluster.tenant, labels=dict(labels))


def issue_kubeconfig(actor: User, cluster: Cluster, *, level: str, hours: int) -> tuple[Kubeconfig, Credential]:
    """Issue a kubeconfig to the actor for `hours`; it is shown once and not kept.

    Raises Forbidden, Invalid (level or hours), Conflict (the cluster has no API yet), Unavailable.
    """
    if level not in Kubeconfig.Level.values:
        raise Invalid("error.kubeconfig_level", field="level", level=level)
    require(actor, f"kubeconfig.{level}", cluster.tenant)
    if not 1 <= hours <= settings.PKS_KUBECONFIG_MAX_HOURS:
        raise Invalid("error.kubeconfig_hours", field="hours", hours=hours, most=settings.PKS_KUBECONFIG_MAX_HOURS)
    if not cluster.endpoint or cluster.status == Cluster.Status.DELETING:
        raise Conflict("error.no_api_yet", name=cluster.name)
    engine = fleet.engine_of(cluster.cloud)
    credential = engine.credentials(
        fleet.wanted_of(cluster), holder=actor.username, level=level, ttl=timedelta(hours=hours)
    )
    with transaction.atomic():
        kubeconfig = Kubeconfig.objects.create(
            cluster=cluster, holder=actor, name=credential.name, level=level, expires_at=credential.expires
        )
        audit.record(
            actor, "kubeconfig.issue", cluster, tenant=cluster.tenant,
            credential=credential.name, level=level, expires=credential.expires.isoformat(),
        )  # fmt: skip
    return kubeconfig, credential


def revoke_kubeconfig(actor: User, kubeconfig: Kubeconfig) -> None:
    """Take an issued kubeconfig's rights away at once. Its holder may do so too. Raises Forbidden, Unavailable."""
    cluster = kubeconfig.cluster
    if kubeconfig.holder_id != actor.pk:
        require(actor, "kubeconfig.revoke", cluster.tenant)
    fleet.engine_of(cluster.cloud).revoke(cluster.pk, kubeconfig.name)
    with transaction.atomic():
        Kubeconfig.objects.filter(pk=kubeconfig.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
        tell(cluster)
        audit.record(actor, "kubeconfig.revoke", cluster, tenant=cluster.tenant, credential=kubeconfig.name)


def set_status(cluster: Cluster, status: str) -> None:
    """Write the cluster's status and begin a new state interval. Call inside a transaction."""
    cluster.status = status
    Cluster.objects.filter(pk=cluster.pk).update(status=status)
    intervals.turn(cluster)
    tell(cluster)


def tell(cluster: Cluster) -> None:
    """Let open pages read the cluster again once the transaction is committed."""
    transaction.on_commit(partial(live.changed, "cluster", cluster.pk, cluster.tenant_id))


def check_nodes(plan: Plan, nodes: int) -> None:
    """Raise Invalid unless the plan allows that many worker nodes."""
    if not plan.min_nodes <= nodes <= plan.max_nodes:
        raise Invalid(
            "error.nodes_bounds", field="nodes",
            nodes=nodes, least=plan.min_nodes, most=plan.max_nodes, plan=plan.slug,
        )  # fmt: skip


def check_labels(labels: Mapping[str, str]) -> None:
    """Raise Invalid unless there are few labels with short keys and values."""
    if len(labels) > LABELS_ALLOWED:
        raise Invalid("error.labels_many", field="labels", most=LABELS_ALLOWED)
    for key, value in labels.items():
        if not key or len(key) > 63 or len(value) > 63 or "=" in key or "," in key + value:  # noqa: PLR2004 - Kubernetes' own
            raise Invalid("error.label_wrong", field="labels", label=f"{key}={value}"[:80])


def refuse(preview: Preview) -> None:
    """Raise Conflict when the engine says that the change is not possible now."""
    if preview.refusal is not None:
        raise Conflict(preview.refusal.key, **preview.refusal.args)


def _subject(operation: Operation) -> Cluster:
    """Return the cluster of an earlier request. Raises Conflict when it is gone since."""
    rows = Cluster.objects.select_related("tenant", "plan", "cloud")
    if (cluster := rows.filter(pk=operation.subject_id).first()) is None:
        raise Conflict("error.subject_gone", name=operation.subject_name)
    return cluster


def _built(actor: User, tenant: Tenant, wish: NewCluster) -> tuple[Cluster, NodePool]:
    """Make the unsaved rows of a wish that is possible by itself."""
    check_nodes(wish.plan, wish.nodes)
    check_labels(wish.labels)
    if not wish.plan.offered:
        raise Invalid("error.plan_unknown", field="plan", plan=wish.plan.slug)
    if wish.version not in settings.PKS_KUBERNETES_VERSIONS:
        offered = ", ".join(settings.PKS_KUBERNETES_VERSIONS)
        raise Invalid("error.version_unknown", field="version", version=wish.version, offered=offered)
    if not wish.cloud.enabled:
        raise Invalid("error.cloud_unknown", field="cloud", cloud=wish.cloud.slug)
    cluster = Cluster(
        id=uuid4(),
        tenant=tenant,
        name=wish.name,
        cloud=wish.cloud,
        plan=wish.plan,
        version=wish.version,
        control_plane=wish.plan.control_plane,
        external_hostname=wish.external_hostname,
        labels=dict(wish.labels),
        created_by=actor,
    )
    return cluster, NodePool(cluster=cluster, nodes=wish.nodes, vcpu=wish.plan.vcpu, memory_gib=wish.plan.memory_gib)


def _amounts(pool: NodePool) -> dict[str, int]:
    """What a cluster with this one pool reserves of the tenant's quota."""
    return {
        "clusters": 1,
        "nodes": pool.nodes,
        "vcpu": pool.nodes * pool.vcpu,
        "memory_gib": pool.nodes * pool.memory_gib,
    }


def _new_operation(
    change: str,
    cluster: Cluster,
    *,
    wanted: Mapping[str, object] | None = None,
    request_key: str,
    cancellable: bool = True,
) -> operations.NewOperation:
    engine = fleet.engine_of(cluster.cloud)
    return operations.NewOperation(
        kind=f"cluster.{change}",
        subject_type="cluster",
        subject_id=cluster.pk,
        subject_name=cluster.name,
        steps=[(step.name, step.weight) for step in engine.steps(change)],
        wanted=wanted or {},
        engine=cluster.cloud.kind,
        plan=cluster.plan.slug,
        queue=cluster.cloud.queue,
        cancellable=cancellable,
        request_key=request_key,
    )


def _preview(change: str, cluster: Cluster, preview: Preview, amounts: Mapping[str, int]) -> ChangePreview:
    lines = quotas.lines(cluster.tenant, subject=cluster.pk, wanted=amounts)
    refusals: list[PortalError] = [quotas.exceeded(cluster.tenant, line) for line in lines if line.over]
    if preview.refusal is not None:
        refusals.append(Conflict(preview.refusal.key, **preview.refusal.args))
    seconds = history.past_runs(f"cluster.{change}", engine=cluster.cloud.kind, plan=cluster.plan.slug)
    return ChangePreview(engine=preview, quota=lines, refusals=refusals, seconds=seconds)
