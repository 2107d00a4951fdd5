"""Write down what was observed of a cluster, and tell what turned since the last look."""

from typing import Any

from django.utils import timezone

from clusters.engines.base import NodeSeen, Observed
from clusters.models import Cluster
from pks_portal.operations import live
from pks_portal.operations import services as operations
from pks_portal.operations.models import Operation


def tell_changes(operation: Operation, cluster: Cluster, seen: Observed) -> bool:
    """Append an event for each condition that turned since the last look, and each node that came, went or turned."""
    before = {condition["name"]: condition["ok"] for condition in cluster.conditions}
    step = operation.steps.filter(state="running").values_list("name", flat=True).first() or ""
    moved = False
    for condition in seen.conditions:
        if before.get(condition.name, False) != condition.ok:
            level = "info" if condition.ok else "warning"
            operations.append(operation, condition.said.key, step=step, level=level, **condition.said.args)
            moved = True
    old = {node["name"]: node["ready"] for node in cluster.nodes_seen}
    new = {node.name: node.ready for node in seen.nodes}
    for name in sorted(new.keys() | old.keys()):
        if name not in new:
            operations.append(operation, "event.node_gone", step=step, node=name)
        elif new[name] != old.get(name, False):
            operations.append(
                operation, "event.node_ready" if new[name] else "event.node_not_ready", step=step, node=name
            )
        else:
            continue
        moved = True
    return moved


def record(cluster: Cluster, seen: Observed) -> None:
    """Write what was observed, with its time, and tell open lists when it changed."""
    values: dict[str, Any] = {
        "endpoint": seen.endpoint,
        "authority": seen.authority,
        "observed_version": seen.version,
        "nodes_ready": sum(node.ready for node in seen.nodes),
        "nodes_seen": [_plain(node) for node in seen.nodes],
        "conditions": _conditions(cluster, seen),
    }
    changed = any(getattr(cluster, name) != value for name, value in values.items())
    Cluster.objects.filter(pk=cluster.pk).update(observed_at=timezone.now(), **values)
    if changed:
        live.changed_soon("cluster", cluster.pk, cluster.tenant_id)


def restarted(cluster: Cluster, seen: Observed) -> list[str]:
    """Return the parts that run since another moment than when the cluster was last looked at."""
    before = _since(cluster)
    now = {c.name: c.since.isoformat() for c in seen.conditions if c.since}
    return sorted(name for name, since in now.items() if before.get(name) and before[name] != since)


def _since(cluster: Cluster) -> dict[str, str | None]:
    return {condition["name"]: condition.get("since") for condition in cluster.conditions}


def _conditions(cluster: Cluster, seen: Observed) -> list[dict[str, Any]]:
    """Return conditions as plain JSON; what is down now keeps the moment it ran from, so that its return is noticed."""
    before = _since(cluster)
    return [
        {
            "name": condition.name,
            "ok": condition.ok,
            "since": condition.since.isoformat() if condition.since else before.get(condition.name),
            **condition.said.stored(),
        }
        for condition in seen.conditions
    ]


def _plain(node: NodeSeen) -> dict[str, Any]:
    fields = {name: getattr(node, name) for name in node.__dataclass_fields__}
    return {**fields, "created": node.created.isoformat() if node.created else None}
