"""The roles that every cluster gets from the portal, as soon as its API answers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clusters.engines.local.api import Api
from clusters.engines.local.pki import SIMULATION_USER

GROUP = "rbac.authorization.k8s.io"
PATH = f"/apis/{GROUP}/v1"
READ = ("get", "list", "watch")

# What kwok needs, as in kustomize/rbac of kwok 0.8.0 without its own resources, which are not installed here.
_SIMULATION = (
    ("", ("events",), ("create", "delete", "patch", "update", *READ)),
    ("", ("nodes",), READ),
    ("", ("nodes/status", "pods/status"), ("patch", "update")),
    ("", ("pods",), ("delete", "patch", "update", *READ)),
    ("coordination.k8s.io", ("leases",), ("create", "patch", "update", *READ)),
)
# Kubernetes' own view, edit and admin see nothing outside namespaces; who has a cluster may know its nodes.
_READER = (
    ("", ("nodes", "namespaces", "persistentvolumes"), READ),
    ("storage.k8s.io", ("storageclasses",), READ),
    ("metrics.k8s.io", ("nodes", "pods"), READ),
)
_Rules = tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]


def ensure(api: Api) -> None:
    """Create the roles that are not there. Raises Unavailable while the API does not take them."""
    for kind, body in _objects():
        api.create(f"{PATH}/{kind}", body)


def _objects() -> Iterator[tuple[str, dict[str, Any]]]:
    simulation = "pks-portal:simulation"
    yield "clusterroles", role(simulation, _rules(_SIMULATION))
    yield "clusterrolebindings", _binding(simulation, simulation, SIMULATION_USER)
    yield (
        "clusterrolebindings",
        _binding("pks-portal:kubelet-client", "system:kubelet-api-admin", "pks-portal:kubelet-client"),
    )
    yield "clusterroles", role("pks-portal:reader", _rules(_READER), {f"{GROUP}/aggregate-to-view": "true"})


def role(name: str, rules: Sequence[Mapping[str, Any]], labels: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a ClusterRole of the portal's; rules as Kubernetes writes them."""
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "pks-portal", **(labels or {})}},
        "rules": list(rules),
    }


def _rules(rules: _Rules) -> list[dict[str, Any]]:
    return [
        {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)} for group, resources, verbs in rules
    ]


def _binding(name: str, role: str, user: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "pks-portal"}},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "User", "name": user, "apiGroup": GROUP}],
    }
