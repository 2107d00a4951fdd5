"""From a cloud's row to its engine, and from a cluster's rows to what an engine is told."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from clusters import rights
from clusters.engines.base import Engine, Pool, Preview, Wanted
from clusters.engines.local.engine import LocalEngine
from clusters.engines.simulated import SimulatedEngine
from clusters.models import Cloud, Cluster, NodePool
from pks_portal import paths

NO_MEMORY = "engine.no_memory"
HERE = "celery"
"""The queue of the host where the web processes run too."""


def queue_of(cloud: Cloud) -> str:
    """Return the queue of the workers on a cloud's host: whatever touches its clusters runs there, and only there."""
    return cloud.queue


def engine_of(cloud: Cloud) -> Engine:
    """Return the engine that runs a cloud's clusters; call what touches its host on `queue_of` only."""
    return _engine(cloud.kind, tuple(sorted(cloud.options.items())), paths.data(), paths.cache())


def preview(cloud: Cloud, current: Wanted | None, wanted: Wanted) -> Preview:
    """Return what the engine says of a change; of another host's memory nothing is known here, it refuses there."""
    found = engine_of(cloud).preview(current, wanted)
    if queue_of(cloud) == HERE:
        return found
    full = found.refusal is not None and found.refusal.key == NO_MEMORY
    return replace(found, memory_needed_gib=None, memory_free_gib=None, refusal=None if full else found.refusal)


@lru_cache(maxsize=32)
def _engine(kind: str, options: tuple[tuple[str, Any], ...], data: Path, cache: Path) -> Engine:
    """Make an engine once per process and configuration: it keeps open connections, but no state."""
    if kind == "local":
        return LocalEngine(root=data, cache=cache, **dict(options))
    if kind == "simulated":
        return SimulatedEngine(root=data, **dict(options))
    raise ValueError(f"There is no engine of kind {kind!r}.")


def wanted_of(cluster: Cluster) -> Wanted:
    """Return a saved cluster as it is wanted."""
    return wanted_from(cluster, cluster.pools.all())


def wanted_from(cluster: Cluster, pools: Iterable[NodePool]) -> Wanted:
    """Return a cluster as it is wanted with these pools; the rows need not be saved."""
    return Wanted(
        id=cluster.pk,
        name=cluster.name,
        namespace=f"t-{cluster.tenant.opaque.hex[:16]}",
        cloud=cluster.cloud.slug,
        version=cluster.version,
        control_plane=cluster.control_plane,
        pools=tuple(
            Pool(name=pool.name, nodes=pool.nodes, vcpu=pool.vcpu, memory_gib=pool.memory_gib) for pool in pools
        ),
        hostname=cluster.external_hostname,
        variables=cluster.plan.variables,
        network=cluster.network,
        trust=rights.trust_of(cluster.pk),
        grants=rights.grants_of(cluster.tenant),
    )


def resized(wanted: Wanted, nodes: int) -> Wanted:
    """Return the same cluster with another number of nodes in its first pool."""
    first, *rest = wanted.pools
    return replace(wanted, pools=(replace(first, nodes=nodes), *rest))
