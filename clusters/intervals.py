"""State intervals: how long a cluster had which status and size, for usage. One is open while the cluster lives."""

from django.utils import timezone

from clusters.models import Cluster, StateInterval


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
