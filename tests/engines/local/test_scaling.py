"""Scaling down on real pods that a PodDisruptionBudget protects."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from clusters.engines.base import Wanted
from clusters.engines.local.nodes import POOL, Inventory, drainable
from tests.engines.local.conftest import Running
from tests.engines.rig import eventually

pytestmark = pytest.mark.real
PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"


@pytest.fixture
def web(cluster: Running) -> Iterator[Running]:
    """Run five pods that want to be on all nodes, and one of a DaemonSet on each node."""
    labels = {"app": "web"}
    template = {
        "metadata": {"labels": labels},
        "spec": {
            "containers": [
                {"name": "web", "image": "web", "resources": {"requests": {"cpu": "250m", "memory": "64Mi"}}}
            ],
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "kubernetes.io/hostname",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": labels},
                }
            ],
        },
    }
    spec = {"replicas": 5, "selector": {"matchLabels": labels}, "template": template}
    cluster.api.create(DEPLOYMENTS, {"metadata": {"name": "web"}, "spec": spec})
    agent = {"metadata": {"labels": {"app": "agent"}}, "spec": {"containers": [{"name": "agent", "image": "agent"}]}}
    cluster.api.create(
        DEPLOYMENTS.replace("deployments", "daemonsets"),
        {"metadata": {"name": "agent"}, "spec": {"selector": {"matchLabels": {"app": "agent"}}, "template": agent}},
    )
    eventually(lambda: running(cluster) == 5, "five pods run", patience=30)
    yield cluster
    for path in (f"{BUDGETS}/web", f"{DEPLOYMENTS}/web", f"{DEPLOYMENTS.replace('deployments', 'daemonsets')}/agent"):
        cluster.api.delete(path)
    eventually(lambda: no_pods(cluster), "pods are gone", patience=30)


def no_pods(cluster: Running) -> bool:
    """Delete what is left at once: a DaemonSet's pod outlives its node by the 40 s of Kubernetes' own collection."""
    cluster.api.call("DELETE", PODS, {"gracePeriodSeconds": 0})
    return not cluster.api.get(PODS)["items"]


def budget(cluster: Running, allowed: int) -> None:
    spec = {"maxUnavailable": allowed, "selector": {"matchLabels": {"app": "web"}}}
    cluster.api.create(BUDGETS, {"metadata": {"name": "web"}, "spec": spec})
    eventually(
        lambda: cluster.api.get(f"{BUDGETS}/web").get("status", {}).get("expectedPods") == 5, "counted", patience=30
    )


def running(cluster: Running) -> int:
    pods = cluster.api.get(f"{PODS}?labelSelector=app%3Dweb")["items"]
    return sum(ready(pod) for pod in pods)


def ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    alive = "deletionTimestamp" not in pod["metadata"]
    return alive and any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def of(cluster: Running, nodes: int) -> Wanted:
    return replace(cluster.wanted, pools=[replace(pool, nodes=nodes) for pool in cluster.wanted.pools])


def test_a_budget_is_kept_while_nodes_go(web: Running) -> None:
    budget(web, 1)
    least, shares = 5, []
    wanted = of(web, 1)
    while True:
        seen = web.rig.step(wanted)
        least = min(least, running(web))
        shares.append([seen.steps[step] for step in ("cordon", "drain", "remove")])
        if seen.settled:
            break
        assert len(shares) < 1000
    assert least >= 4
    assert shares == sorted(shares)  # a step never goes back
    assert [node.name for node in seen.nodes] == ["shared-default-1"]
    eventually(lambda: running(web) == 5, "all pods run again", patience=30)
    (node,) = web.observe().nodes
    assert (node.pods, node.vcpu_requested, node.memory_gib_requested) == (6, 1.25, 0.312)


def test_a_budget_that_allows_nothing_is_named_and_nothing_is_forced(web: Running) -> None:
    budget(web, 0)
    for _ in range(5):
        seen = web.rig.step(of(web, 2))
    assert not seen.settled
    assert seen.blocked is not None
    assert seen.blocked.names == ["default/web"]
    assert [(node.name, node.schedulable) for node in seen.nodes] == [
        ("shared-default-1", True),
        ("shared-default-2", True),
        ("shared-default-3", False),
    ]
    assert running(web) == 5
    pods = web.api.get(f"{PODS}?labelSelector=app%3Dweb&fieldSelector=spec.nodeName%3Dshared-default-3")["items"]
    assert seen.blocked.said.args["pods"] == ", ".join(sorted(f"default/{pod['metadata']['name']}" for pod in pods))
    back = web.rig.until_settled(web.wanted)  # whoever wants the node back gets it back
    assert all(node.schedulable for node in back.nodes)


def test_forced_pods_go_though_the_budget_allows_nothing(web: Running) -> None:
    budget(web, 0)
    for _ in range(5):
        held = web.rig.step(replace(of(web, 2), force=["default/other"])).blocked
    assert held is not None, "only what was named is forced"
    seen = web.rig.until_settled(replace(of(web, 2), force=held.names))
    assert [node.name for node in seen.nodes] == ["shared-default-1", "shared-default-2"]
    eventually(lambda: running(web) == 5, "all pods run again", patience=30)
    web.rig.until_settled(web.wanted)


def test_a_pod_of_two_budgets_is_named_though_both_would_let_it_go(web: Running) -> None:
    """The API server refuses to evict such a pod, whatever the budgets allow."""
    budget(web, 1)
    selector = {"matchLabels": {"app": "web"}}
    web.api.create(BUDGETS, {"metadata": {"name": "more"}, "spec": {"maxUnavailable": 1, "selector": selector}})
    try:
        for _ in range(5):
            seen = web.rig.step(of(web, 2))
        assert seen.blocked is not None
        assert seen.blocked.names == ["default/more", "default/web"]
    finally:
        web.api.delete(f"{BUDGETS}/more")
    web.rig.until_settled(web.wanted)


def test_a_person_who_cordons_is_respected(cluster: Running) -> None:
    path = "/api/v1/nodes/shared-default-2"
    cluster.api.patch(path, {"spec": {"unschedulable": True}})
    seen = cluster.rig.until_settled(cluster.wanted)
    assert [node.schedulable for node in seen.nodes] == [True, False, True]
    cluster.api.patch(path, {"spec": {"unschedulable": None}})


def test_a_node_that_somebody_deleted_comes_back(cluster: Running) -> None:
    cluster.api.delete("/api/v1/nodes/shared-default-2")
    assert not cluster.observe().settled
    seen = cluster.rig.until_settled(cluster.wanted)
    assert [node.name for node in seen.nodes] == [f"shared-default-{n}" for n in (1, 2, 3)]


def test_nodes_say_that_they_are_simulated(cluster: Running) -> None:
    for node in Inventory.read(cluster.api).nodes:
        labels, info = node["metadata"]["labels"], node["status"]["nodeInfo"]
        assert (labels["pks-portal.io/simulated"], labels["type"], labels[POOL]) == ("true", "kwok", "default")
        assert info["osImage"] == "simulated (kwok)"


def test_daemon_pods_do_not_hold_a_node(web: Running) -> None:
    pods = web.api.get(PODS)["items"]
    assert {pod["metadata"]["labels"]["app"] for pod in pods if drainable(pod)} == {"web"}
