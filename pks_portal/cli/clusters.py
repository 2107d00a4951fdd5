"""`pks clusters`, `pks cluster`: clusters as they are."""

from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from pks_portal.cli import finding, options, show
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say


def clusters(
    tenant: options.Tenant = None,
    label: Annotated[
        str | None, typer.Option("--label", metavar="K[=V]", help=say("Only clusters with that label."))
    ] = None,
    json: options.Json = False,
) -> None:
    items = Portal().every("/api/v1/clusters", tenant=tenant, label=label)
    if json:
        return show.data(items)
    headers = [
        say("Name"), say("Tenant"), say("k8s Version"), say("Plan Name"), say("Nodes"), "UUID", say("Status"),
        say("Action"),
    ]  # fmt: skip
    rows = [
        [
            item["name"], item["tenant"], item["version"], item["plan"], _nodes(item), item["id"], item["status_label"],
            _action(item),
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def cluster(name: options.Cluster, tenant: options.Tenant = None, json: options.Json = False) -> None:
    portal = Portal()
    found = portal.get(f"/api/v1/clusters/{finding.cluster(portal, name, tenant)['id']}")
    if json:
        return show.data(found)
    return print_cluster(found)


def print_cluster(cluster: dict[str, Any]) -> None:
    """Print a cluster's facts, and (of the detail) its conditions and nodes."""
    address = urlsplit(cluster["endpoint"] or "")
    pending = say("In Progress") if cluster["status"] == "creating" else None
    show.facts(
        [
            (say("Name"), cluster["name"]),
            (say("Tenant"), cluster["tenant"]),
            (say("K8s Version"), cluster["version"]),
            (say("Plan Name"), cluster["plan"]),
            ("UUID", cluster["id"]),
            (say("Status"), cluster["status_label"]),
            (say("Action"), _action(cluster) or None),
            (say("Task"), cluster["task"]["id"] if cluster.get("task") else None),
            (say("Kubernetes Master Host"), cluster["external_hostname"] or address.hostname or pending),
            (say("Kubernetes Master Port"), address.port or pending),
            (say("Control plane"), cluster["control_plane"]),
            (say("Worker Nodes"), _worker_nodes(cluster)),
            (say("Cloud"), f"{cluster['cloud']} ({cluster['engine']})"),
            (say("Labels"), ", ".join(f"{key}={value}" for key, value in cluster["labels"].items()) or None),
            (say("Created"), f"{show.moment(cluster['created_at'])} ({cluster['created_by']})"),
            (say("Observed"), show.moment(cluster["observed_at"]) or None),
        ]
    )
    if troubles := [item for item in cluster.get("conditions") or [] if not item["ok"]]:
        show.line()
        show.table([say("Trouble"), ""], [[item["name"], item["text"]] for item in troubles])
    if nodes := cluster.get("nodes"):
        show.line()
        _print_nodes(nodes)


def _print_nodes(nodes: list[dict[str, Any]]) -> None:
    headers = [say("Node"), say("Pool"), say("State"), say("k8s Version"), say("Pods"), ""]
    rows = [
        [node["name"], node["pool"], _state(node), node["version"].removeprefix("v"), node["pods"],
         say("simulated") if node["simulated"] else ""]
        for node in nodes
    ]  # fmt: skip
    show.table(headers, rows)


def _state(node: dict[str, Any]) -> str:
    ready = say("ready") if node["ready"] else say("not ready")
    return ready if node["schedulable"] else say("{state}, cordoned", state=ready)


def _nodes(cluster: dict[str, Any]) -> str:
    return f"{cluster['nodes_ready']}/{cluster['nodes_wanted']}"


def _worker_nodes(cluster: dict[str, Any]) -> str:
    words = say("{wanted} ({ready} ready)", wanted=cluster["nodes_wanted"], ready=cluster["nodes_ready"])
    return say("{nodes}, simulated", nodes=words) if cluster["simulated_nodes"] else words


def _action(cluster: dict[str, Any]) -> str:
    """Return what is being done to the cluster, and how far it is."""
    task = cluster.get("task")
    return f"{task['title']} ({task['status_label']}, {task['progress']} %)" if task else ""
