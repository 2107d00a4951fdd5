"""What clusters know of quotas and room: which kinds they reserve, and how much memory their hosts have."""

from collections.abc import Iterator

from clusters import fleet
from clusters.engines.local import capacity as host
from clusters.models import Cloud
from pks_portal.messages import Said
from tenants import quotas
from tenants.capacity import Capacity, offer
from tenants.models import QuotaRequest


def _memory(request: QuotaRequest) -> Iterator[Capacity]:
    """Yield the memory of this host for each local cloud that the request is about; of others nobody can tell here."""
    clouds = Cloud.objects.filter(enabled=True, kind="local")
    if slug := request.size.get("cloud"):
        clouds = clouds.filter(slug=slug)
    for cloud in clouds:
        if fleet.queue_of(cloud) == fleet.HERE:
            total = host.memory_total()
            yield Capacity(
                said=Said("capacity.memory", {"cloud": cloud.label}),
                total=total,
                used=round(max(0.0, total - host.memory_free()), 2),
                adds=request.size.get("host_memory_gib") or 0.0,
            )


quotas.measures("clusters", "clusters", "nodes", "vcpu", "memory_gib")
offer(_memory)
