"""The worker nodes of a cluster: simulated by kwok, but objects of the real API, scheduled and drained for real."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from zlib import crc32

from clusters.engines.base import NodeSeen, Pool, Wanted
from clusters.engines.local.api import Api
from clusters.engines.local.programs import SIMULATED
from pks_portal.errors import Unavailable

POOL = "pks-portal.io/pool"
LEAVING = "pks-portal.io/leaving"
MIRROR = "kubernetes.io/config.mirror"
NOT_READY = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
LONGEST_LABEL = 63
GIB = 2**30
_SUFFIXES = {"m": Decimal("0.001"), "": Decimal(1), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9)}
_SUFFIXES |= {"T": Decimal(10**12), "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30)}
_SUFFIXES |= {"Ti": Decimal(2**40), "n": Decimal("1e-9"), "u": Decimal("1e-6"), "P": Decimal(10**15)}
_QUANTITY = re.compile(r"([0-9.]+(?:[eE][+-]?[0-9]+)?)(|[numkMGTP]|[KMGT]i)")

Object = Mapping[str, Any]


def names(wanted: Wanted) -> dict[str, Pool]:
    """Return the names of all wanted nodes with their pools."""
    return {node_name(wanted.name, pool.name, n): pool for pool in wanted.pools for n in range(1, pool.nodes + 1)}


def node_name(cluster: str, pool: str, number: int) -> str:
    """Return a node's name; it fits a label (63 characters), long names are cut and told apart by a checksum."""
    stem, end = f"{cluster}-{pool}", f"-{number}"
    if len(stem) + len(end) > LONGEST_LABEL:
        tail = f"-{crc32(stem.encode()):08x}"
        stem = stem[: LONGEST_LABEL - len(tail) - len("-00000")] + tail
    return stem + end


def quantity(text: str | int | float) -> float:
    """Return a Kubernetes quantity ("500m", "1Gi") as a number; 0 for what is none."""
    if (match := _QUANTITY.fullmatch(str(text))) is None:
        return 0.0
    return float(Decimal(match[1]) * _SUFFIXES[match[2]])


@dataclass(frozen=True, slots=True)
class Inventory:
    """The nodes and pods of a cluster at one moment, as its API gives them."""

    nodes: Sequence[Object]
    pods: Sequence[Object]

    @classmethod
    def read(cls, api: Api, *, fresh: bool = False) -> "Inventory":
        """Read both, cheaply and a moment old from the API server's cache; `fresh` before anything is taken away."""
        age = "" if fresh else "&resourceVersion=0"
        return cls(cls.read_nodes(api, age), api.get(f"/api/v1/pods?limit=0{age}")["items"])

    @staticmethod
    def read_nodes(api: Api, age: str = "&resourceVersion=0") -> Sequence[Object]:
        """Read the nodes alone."""
        found: Sequence[Object] = api.get(f"/api/v1/nodes?labelSelector={SIMULATED}%3Dtrue,{POOL}{age}")["items"]
        return found

    def seen(self) -> list[NodeSeen]:
        """Return the nodes as people see them, in the order of their numbers."""
        pods = self.by_node()
        found = [_seen(node, pods[name(node)]) for node in self.nodes]
        return sorted(found, key=lambda node: (node.pool, _number(node.name)))

    def by_node(self) -> dict[str, list[Object]]:
        """Return the pods that are not over yet, by the node they run on."""
        found: dict[str, list[Object]] = defaultdict(list)
        for pod in self.pods:
            if pod["status"].get("phase") not in {"Succeeded", "Failed"}:
                found[pod["spec"].get("nodeName", "")].append(pod)
        return found

    def surplus(self, wanted: Iterable[str]) -> list[Object]:
        """Return the nodes that are not wanted, highest number first."""
        keep = set(wanted)
        return sorted((n for n in self.nodes if name(n) not in keep), key=lambda n: _number(name(n)), reverse=True)


def name(thing: Object) -> str:
    return str(thing["metadata"]["name"])


def alive(node: Object) -> bool:
    """Tell whether a node calls itself Ready."""
    conditions = node.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def ready(node: Object) -> bool:
    """Tell whether a node is Ready and the controllers have seen it: until then a taint keeps pods away."""
    return alive(node) and not any(taint["key"] in NOT_READY for taint in node["spec"].get("taints", []))


def cordoned(node: Object) -> bool:
    return bool(node["spec"].get("unschedulable"))


def marked_leaving(node: Object) -> bool:
    """Tell whether it was us who cordoned the node, and not a person."""
    return LEAVING in node["metadata"].get("annotations", {})


def drainable(pod: Object) -> bool:
    """Tell whether a drain has to move the pod: not one of a DaemonSet or of the node itself."""
    owners = pod["metadata"].get("ownerReferences", [])
    mirrored = MIRROR in pod["metadata"].get("annotations", {})
    return not mirrored and not any(owner["kind"] == "DaemonSet" for owner in owners)


def add(api: Api, wanted: Wanted, node: str, pool: Pool) -> None:
    """Add a node; nothing happens if it is there."""
    api.create("/api/v1/nodes", _node(wanted, node, pool))


def cordon(api: Api, node: str) -> None:
    """Take a node out of scheduling and remember that it was us."""
    api.patch(
        f"/api/v1/nodes/{node}", {"metadata": {"annotations": {LEAVING: "true"}}, "spec": {"unschedulable": True}}
    )


def uncordon(api: Api, node: str) -> None:
    """Put a node that we had cordoned back into scheduling."""
    api.patch(f"/api/v1/nodes/{node}", {"metadata": {"annotations": {LEAVING: None}}, "spec": {"unschedulable": None}})


def evict(api: Api, pod: Object) -> bool:
    """Ask for a pod's eviction; False when a PodDisruptionBudget says not now."""
    meta = pod["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/eviction"
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
        "deleteOptions": {"preconditions": {"uid": meta["uid"]}},
    }
    status, answer = api.call("POST", path, body)
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.INTERNAL_SERVER_ERROR}:
        return False  # 500: more than one budget covers the pod, which only a person can mend
    if status >= HTTPStatus.BAD_REQUEST and status not in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
        raise Unavailable("engine.api_refused", system="Kubernetes API", cause=answer.get("message", ""), status=status)
    return True


def delete(api: Api, node: str) -> None:
    """Delete a node; nothing happens if it is gone."""
    api.delete(f"/api/v1/nodes/{node}")


def delete_pod(api: Api, pod: Object) -> None:
    """Delete a pod whatever its PodDisruptionBudget says, with the grace that it asks for."""
    meta = pod["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
    status, answer = api.call("DELETE", path, {"preconditions": {"uid": meta["uid"]}})
    if status >= HTTPStatus.BAD_REQUEST and status not in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
        raise Unavailable("engine.api_refused", system="Kubernetes API", cause=answer.get("message", ""), status=status)


def held_back(api: Api, pods: Sequence[Object]) -> list[tuple[str, str]]:
    """Return (pod, PodDisruptionBudget), each as "namespace/name", for those of the pods that none lets go now.

    The API evicts no pod that more than one budget covers, whatever they allow.
    """
    if not pods:
        return []
    found, pairs = budgets(api), []
    for pod in pods:
        mine = [one for one in found if _covers(one, pod)]
        strict = [one for one in mine if one.get("status", {}).get("disruptionsAllowed", 0) < 1]
        pairs += [(_called(pod), _called(one)) for one in (mine if len(mine) > 1 else strict)]
    return sorted(pairs)


def budgets(api: Api) -> Sequence[Object]:
    """Return all PodDisruptionBudgets."""
    found: Sequence[Object] = api.get("/apis/policy/v1/poddisruptionbudgets?resourceVersion=0")["items"]
    return found


def forced(pod: Object, budgets: Sequence[Object], force: Collection[str]) -> bool:
    """Tell whether budgets protect the pod, and a person has said to go past every one of them."""
    mine = {_called(one) for one in budgets if _covers(one, pod)}
    return bool(mine) and mine <= set(force)


def _called(thing: Object) -> str:
    return f"{thing['metadata']['namespace']}/{thing['metadata']['name']}"


def _covers(budget: Object, pod: Object) -> bool:
    if budget["metadata"]["namespace"] != pod["metadata"]["namespace"]:
        return False
    selector = budget["spec"].get("selector") or {}
    labels = pod["metadata"].get("labels", {})
    exact = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return exact and all(_matches(one, labels) for one in selector.get("matchExpressions", []))


def _matches(expression: Object, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(expression["key"]), expression.get("values", [])
    answers = {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }
    return answers[expression["operator"]]


def _seen(node: Object, pods: Sequence[Object]) -> NodeSeen:
    meta, status = node["metadata"], node.get("status", {})
    allocatable = status.get("allocatable", {})
    addresses = {one["type"]: one["address"] for one in status.get("addresses", [])}
    vcpu, memory = zip(*([_requests(pod) for pod in pods] or [(0.0, 0.0)]), strict=True)
    return NodeSeen(
        name=meta["name"],
        pool=meta["labels"].get(POOL, ""),
        ready=ready(node),
        schedulable=not cordoned(node),
        version=status.get("nodeInfo", {}).get("kubeletVersion", "").removeprefix("v"),
        simulated=meta["labels"].get(SIMULATED) == "true",
        address=addresses.get("InternalIP", ""),
        created=datetime.fromisoformat(meta["creationTimestamp"]),
        pods=len(pods),
        vcpu=quantity(allocatable.get("cpu", "0")),
        memory_gib=quantity(allocatable.get("memory", "0")) / GIB,
        vcpu_requested=round(sum(vcpu), 3),
        memory_gib_requested=round(sum(memory) / GIB, 3),
    )


def _requests(pod: Object) -> tuple[float, float]:
    """Return what a pod asks for: vCPU and bytes."""
    asked = [container.get("resources", {}).get("requests", {}) for container in pod["spec"]["containers"]]
    return sum(quantity(a.get("cpu", 0)) for a in asked), sum(quantity(a.get("memory", 0)) for a in asked)


def _node(wanted: Wanted, node: str, pool: Pool) -> Object:
    size = {"cpu": str(pool.vcpu), "memory": f"{pool.memory_gib}Gi", "pods": "110"}
    labels = {
        "kubernetes.io/hostname": node,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node-role.kubernetes.io/worker": "",
        "type": "kwok",
        **pool.labels,
        SIMULATED: "true",
        POOL: pool.name,
    }
    info = {
        "kubeletVersion": f"v{wanted.version}",
        "osImage": "simulated (kwok)",
        "containerRuntimeVersion": "kwok://0.8.0",
        "operatingSystem": "linux",
        "architecture": "amd64",
        **dict.fromkeys(("kernelVersion", "kubeProxyVersion", "machineID", "bootID", "systemUUID"), ""),
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}},
        "spec": {"taints": [_taint(text) for text in pool.taints]},
        "status": {"allocatable": size, "capacity": size, "nodeInfo": info},
    }


def _taint(text: str) -> dict[str, str]:
    """Return a taint from "key=value:Effect" or "key:Effect"."""
    rest, _, effect = text.rpartition(":")
    key, _, value = rest.partition("=")
    return {"key": key, "effect": effect, **({"value": value} if value else {})}


def _number(node: str) -> int:
    tail = node.rpartition("-")[2]
    return int(tail) if tail.isdigit() else 0
