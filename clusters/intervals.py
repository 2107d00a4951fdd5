"""A cluster's status, and its state intervals: how long it had which status and size, for usage.

One interval is open while the cluster lives.
"""

from django.utils import timezone

from clusters.models import Cluster, StateInterval
from pks_portal.errors import Conflict
from pks_portal.operations import live


def open_interval(cluster: Cluster) -> None:
    """Begin an interval with the cluster's present status and wanted size. Call inside the change's transaction."""
    pools = list(cluster.pools.all())
    StateInterval.objects.create(
        cluster=cluster.pk,
        tenant=cluster.tenant,
        name=cluster.name,
        cloud=cluster.cloud.slug,
        plan=cluster.plan.slug,
        labels=cluster.labels,
        simulated=cluster.cloud.kind in {"simulated", "local"},  # the local engine's nodes are simulated too
        status=cluster.status,
        nodes=sum(pool.nodes for pool in pools),
        vcpu=sum(pool.nodes * pool.vcpu for pool in pools),
        memory_gib=sum(pool.nodes * pool.memory_gib for pool in pools),
    )


def close_interval(cluster: Cluster) -> None:
    """End the open interval, if there is one."""
    StateInterval.objects.filter(cluster=cluster.pk, ended_at__isnull=True).update(ended_at=timezone.now())


def turn(cluster: Cluster) -> None:
    """End the open interval and begin the next: status, size or labels have changed."""
    close_interval(cluster)
    open_interval(cluster)


def set_status(cluster: Cluster, status: str) -> None:
    """Write the cluster's status, begin a new interval and tell open pages. Call inside a transaction.

    Raises Conflict when the cluster is gone meanwhile: no task may begin on what is not there.
    """
    cluster.status = status
    if not Cluster.objects.filter(pk=cluster.pk).update(status=status):
        raise Conflict("error.subject_gone", name=cluster.name)
    turn(cluster)
    live.changed_soon("cluster", cluster.pk, cluster.tenant_id)
