"""Wishes over the quota: held as tasks, each with a request that somebody else decides on. See starting.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from clusters import fleet, services, wishes
from clusters.engines.base import Preview
from clusters.models import Cluster, NodePool
from pks_portal.errors import Conflict, Invalid
from pks_portal.messages import Said
from pks_portal.operations import holding
from pks_portal.operations import services as operations
from pks_portal.operations.models import Operation
from tenants import quotas, requests
from tenants.access import require
from tenants.models import QuotaRequest, Tenant, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How a wish is asked for: why, how much more (at least what it needs), and the fewest nodes that would do.

    `least` None: the fewest that make sense, which are the plan's for a new cluster and one more for a larger one.
    """

    reason: str = ""
    extra: Mapping[str, int] = field(default_factory=dict)
    least: int | None = None


Held = tuple[Operation, QuotaRequest | None]
"""The held task and its request; no request when the same idempotency key made a task that needed none."""


def create_cluster(
    actor: User, tenant: Tenant, wish: wishes.NewCluster, asking: Asking, *, request_key: str = ""
) -> Held:
    """Hold the wish for a cluster until its request is approved. Nothing is reserved; the name stays free.

    Raises Forbidden, Invalid, ValidationError, Conflict ("within-quota": it needs no request).
    """
    require(actor, "cluster.create", tenant)
    cluster, pool = wishes.built(actor, tenant, wish)
    least = _least(asking, wish.plan.min_nodes, wish.nodes)
    preview = fleet.preview(wish.cloud, None, fleet.wanted_from(cluster, [pool]))
    services.refuse(preview)
    with transaction.atomic():
        quotas.lock(tenant)
        if earlier := operations.already_asked(actor, request_key):
            return earlier, request_of(earlier)
        cluster.full_clean()
        extra = _extra(cluster, pool, asking)
        wanted = {
            "name": wish.name, "plan": wish.plan.slug, "nodes": wish.nodes, "version": wish.version,
            "cloud": wish.cloud.slug, "external_hostname": wish.external_hostname, "labels": dict(wish.labels),
            "least": least,
        }  # fmt: skip
        new = services.new_operation("create", cluster, preview.steps, wanted=wanted, request_key=request_key)
        operation = holding.hold(new, tenant=tenant, actor=actor)
        return operation, _ask(operation, tenant, asking, extra, _size(cluster, pool, preview, least))


def scale_cluster(actor: User, cluster: Cluster, nodes: int, asking: Asking, *, request_key: str = "") -> Held:
    """Hold the wish for more nodes until its request is approved; meanwhile the cluster can be changed otherwise.

    Raises Forbidden, Invalid, Conflict ("within-quota": it needs no request).
    """
    require(actor, "cluster.scale", cluster.tenant)
    wishes.check_nodes(cluster.plan, nodes)
    preview = services.scale_refused(cluster, nodes)
    with transaction.atomic():
        tenant = quotas.lock(cluster.tenant)
        if earlier := operations.already_asked(actor, request_key):
            return earlier, request_of(earlier)
        if (pool := cluster.pools.filter().first()) is None:
            raise Conflict("error.subject_gone", name=cluster.name)
        before, pool.nodes = pool.nodes, nodes
        least = _least(asking, before + 1, nodes)
        extra = _extra(cluster, pool, asking)
        wanted = {"nodes": nodes, "before": before, "least": least}
        new = services.new_operation("scale", cluster, preview.steps, wanted=wanted, request_key=request_key)
        operation = holding.hold(new, tenant=tenant, actor=actor)
        return operation, _ask(operation, tenant, asking, extra, _size(cluster, pool, preview, least))


def dropped(operation: Operation, by: User | None) -> None:
    """A held wish was cancelled: nobody need decide on it any more."""
    requests.drop(operation.pk, by)


def request_of(operation: Operation) -> QuotaRequest | None:
    """Return the request that a task waits, or waited, for."""
    return QuotaRequest.objects.select_related("tenant", "requester").filter(wish=operation.pk).first()


def _least(asking: Asking, fewest: int, most: int) -> int:
    """Return the fewest nodes that the requester accepts. Raises Invalid when that is out of bounds."""
    fewest = min(fewest, most)
    least = fewest if asking.least is None else asking.least
    if not fewest <= least <= most:
        raise Invalid("error.least_nodes", field="least", least=fewest, most=most)
    return least


def _extra(cluster: Cluster, pool: NodePool, asking: Asking) -> dict[str, int]:
    """Return what is asked for: what the wish needs, and more where the requester wants so. Raises Conflict."""
    lines = quotas.lines(cluster.tenant, subject=cluster.pk, wanted=wishes.amounts(pool))
    needed = {line.kind: line.lacks for line in lines if line.over}
    if not needed:
        raise Conflict("error.within_quota")
    return {kind: max(needed.get(kind, 0), asking.extra.get(kind, 0)) for kind in {**needed, **asking.extra}}


def _size(cluster: Cluster, pool: NodePool, preview: Preview, least: int) -> dict[str, Any]:
    """Return how big the wish is, as its request keeps it."""
    return {
        "plan": cluster.plan.slug,
        "version": cluster.version,
        "cloud": cluster.cloud.slug,
        "nodes": pool.nodes,
        "least": least,
        "fixed": wishes.FIXED,
        "per_node": wishes.per_node(pool),
        "host_memory_gib": preview.memory_needed_gib,
    }


def _ask(
    operation: Operation, tenant: Tenant, asking: Asking, extra: Mapping[str, int], size: Mapping[str, Any]
) -> QuotaRequest:
    said = Said(f"task.{operation.kind}", {"name": operation.subject_name, "nodes": operation.wanted["nodes"]})
    wish = requests.Wish(id=operation.pk, said=said, subject=operation.subject_id, size=size)
    if operation.actor is None:  # held work is always somebody's
        raise Conflict("error.subject_gone", name=operation.subject_name)
    return requests.ask(operation.actor, tenant, extra, reason=asking.reason, wish=wish)
