"""A drain that a PodDisruptionBudget blocks, on a real cluster of a real portal: said by name, cancelled, forced."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.real.running import Portal, kubectl, until
from tests.real.test_survival import assert_nothing_left

pytestmark = pytest.mark.real


def test_a_blocked_scale_down_is_named_then_cancelled_then_forced(  # noqa: PLR0915 - one story
    portal: Portal, tmp_path: Path
) -> None:
    task, cluster = portal.create("guarded", 3)
    portal.succeeded(task)
    config = portal.kubeconfig(cluster, tmp_path / "config", "admin")
    guard(config)
    (kept,) = pods_on(config, "guarded-default-3")

    blocked = scale(portal, cluster, 2)
    seen = until(lambda: is_blocked(portal, blocked), 30, what="the task says that it is blocked")
    assert f"default/{kept}" in seen["waiting_for"]
    assert "default/web" in seen["waiting_for"]
    (told,) = [event for event in portal.events(blocked) if event["key"] == "event.blocked"]
    assert f"default/{kept}" in told["text"]
    assert "it is tried again" in told["text"]
    assert unschedulable(config) == ["guarded-default-3"]
    portal.ask("POST", f"/api/v1/tasks/{blocked}/force", user="wu.hao", status=403)
    assert kept in pods_on(config, "guarded-default-3"), "nothing is forced by itself"

    portal.ask("POST", f"/api/v1/tasks/{blocked}/cancel", status=202)
    assert portal.ended(blocked)["status"] == "cancelled"
    until(lambda: portal.cluster(cluster)["status"] == "running", 30, what="back to the size before")
    assert unschedulable(config) == []
    assert pods_on(config, "guarded-default-3") == [kept]

    forced = scale(portal, cluster, 2)
    until(lambda: is_blocked(portal, forced), 30)
    answer = portal.ask("POST", f"/api/v1/tasks/{forced}/force", status=202)
    assert answer["forced_by"] == "li.na"
    portal.succeeded(forced, 60)
    (said,) = [event for event in portal.events(forced) if event["key"] == "event.forced"]
    assert "li.na" in said["text"]
    assert f"default/{kept}" in said["text"]
    names = kubectl(config, "get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()
    assert sorted(names) == ["guarded-default-1", "guarded-default-2"]
    until(lambda: ready(config) == "3", 30, what="the pod runs elsewhere")
    portal.ask("POST", f"/api/v1/tasks/{forced}/force", status=409)

    portal.succeeded(portal.ask("DELETE", f"/api/v1/clusters/{cluster}", status=202)["task"]["id"])
    assert_nothing_left(portal, cluster)


def guard(config: Path) -> None:
    """Run a pod on each of three nodes, none of which may go: minAvailable is the number of replicas."""
    labels = {"app": "web"}
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels},
    }
    spec = {"containers": [{"name": "web", "image": "web"}], "topologySpreadConstraints": [spread]}
    template = {"metadata": {"labels": labels}, "spec": spec}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"replicas": 3, "selector": {"matchLabels": labels}, "template": template},
    }
    file = config.with_name("web.json")
    file.write_text(json.dumps(deployment))
    kubectl(config, "apply", "-f", str(file))
    kubectl(config, "create", "pdb", "web", "--selector=app=web", "--min-available=3")
    until(lambda: ready(config) == "3", 30, what="three pods run")


def ready(config: Path) -> str:
    return kubectl(config, "get", "deployment", "web", "-o", "jsonpath={.status.readyReplicas}")


def pods_on(config: Path, node: str) -> list[str]:
    found = json.loads(kubectl(config, "get", "pods", f"--field-selector=spec.nodeName={node}", "-o", "json"))
    return [pod["metadata"]["name"] for pod in found["items"]]


def unschedulable(config: Path) -> list[str]:
    nodes = json.loads(kubectl(config, "get", "nodes", "-o", "json"))["items"]
    return [node["metadata"]["name"] for node in nodes if node["spec"].get("unschedulable")]


def scale(portal: Portal, cluster: str, nodes: int) -> str:
    return str(portal.ask("PATCH", f"/api/v1/clusters/{cluster}", {"nodes": nodes}, status=202)["task"]["id"])


def is_blocked(portal: Portal, task: str) -> dict[str, Any] | None:
    found: dict[str, Any] = portal.ask("GET", f"/api/v1/tasks/{task}")
    return found if found["blocked"] else None
