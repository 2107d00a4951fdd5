"""What a kubeconfig below admin must not do with a real cluster, and what it must still do."""

from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from clusters.engines.local import access, guard
from tests.engines.local.conftest import Running
from tests.engines.rig import eventually

pytestmark = pytest.mark.real
Kubectl = Callable[..., CompletedProcess[str]]
CONTROLLER = "system:serviceaccount:kube-system:clusterrole-aggregation-controller"
TOKEN = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "stolen", "annotations": {"kubernetes.io/service-account.name": "default"}},
    "type": "kubernetes.io/service-account-token",
}


def configmap(namespace: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "try", "namespace": namespace}}


def holder(cluster: Running, folder: Path, level: str) -> Iterator[Kubectl]:
    name, path = cluster.kubeconfig(folder, level)
    yield cluster.kubectl(path)
    cluster.rig.make().revoke(cluster.wanted.id, name)


@pytest.fixture
def editor(cluster: Running, tmp_path: Path) -> Iterator[Kubectl]:
    yield from holder(cluster, tmp_path, "edit")


@pytest.fixture
def admin(cluster: Running, tmp_path: Path) -> Iterator[Kubectl]:
    yield from holder(cluster, tmp_path, "admin")


def refused(answer: CompletedProcess[str], words: str) -> None:
    assert answer.returncode != 0, answer.stdout
    assert words in answer.stderr


def test_an_editor_becomes_nobody_else(editor: Kubectl) -> None:
    refused(editor("get", "nodes", "--as", CONTROLLER), "cannot impersonate")
    refused(editor("create", "token", "default"), "cannot create resource")
    refused(editor("create", "token", "-n", "kube-system", "clusterrole-aggregation-controller"), "cannot create")
    refused(editor("create", "-f", "-", text=TOKEN), "level admin only")


@pytest.mark.parametrize("namespace", guard.SYSTEM_NAMESPACES)
def test_an_editor_writes_nothing_into_the_systems_namespaces(editor: Kubectl, namespace: str) -> None:
    refused(editor("create", "-f", "-", text=configmap(namespace)), "level admin only")
    refused(editor("delete", "serviceaccount", "default", "-n", namespace), "level admin only")
    refused(editor("label", "serviceaccount", "default", "a=b", "-n", namespace), "level admin only")


def test_an_editor_works_where_work_belongs(editor: Kubectl, cluster: Running) -> None:
    try:
        for arguments in (
            ("create", "deployment", "app", "--image=app", "--replicas=2"),
            ("create", "poddisruptionbudget", "app", "--selector=app=app", "--min-available=1"),
            ("scale", "deployment", "app", "--replicas=3"),
            ("create", "secret", "generic", "app", "--from-literal=a=b"),
            ("get", "secret", "app"),
            ("create", "serviceaccount", "app"),
        ):
            answer = editor(*arguments)
            assert answer.returncode == 0, answer.stderr
        eventually(lambda: "3/3" in editor("get", "deployment", "app").stdout, "three pods run")
    finally:
        for kind in ("deployment", "pdb", "secret", "serviceaccount"):
            assert editor("delete", kind, "app").returncode == 0
    eventually(lambda: not cluster.api.get("/api/v1/namespaces/default/pods")["items"], "the pods are gone")


def test_an_admin_writes_there_and_the_controllers_go_on(admin: Kubectl) -> None:
    assert admin("create", "-f", "-", text=configmap("kube-system")).returncode == 0
    assert admin("delete", "configmap", "try", "-n", "kube-system").returncode == 0
    assert admin("create", "-f", "-", text=TOKEN).returncode == 0
    assert admin("delete", "secret", "stolen").returncode == 0


def test_a_holder_cannot_be_called_into_another_level(cluster: Running, tmp_path: Path) -> None:
    engine = cluster.rig.make()
    name = "x:admin:0123456789abcdef"
    issued = engine.credentials(cluster.wanted, holder=name, level="edit", ttl=access.timedelta(hours=1))
    path = tmp_path / "config"
    path.write_text(issued.kubeconfig)
    refused(cluster.kubectl(path)("create", "-f", "-", text=configmap("kube-system")), "level admin only")
    engine.revoke(cluster.wanted.id, issued.name)


def test_what_was_taken_out_by_hand_is_there_again_with_the_next(cluster: Running, tmp_path: Path) -> None:
    role = f"{access.BINDINGS.replace('bindings', 's')}/{guard.EDIT}"
    cluster.api.patch(role, {"rules": []})
    cluster.api.delete(f"{guard.POLICIES}/validatingadmissionpolicybindings/{guard.POLICY}")
    kubectl = next(holder(cluster, tmp_path, "edit"))
    assert kubectl("auth", "can-i", "create", "deployments").stdout.strip() == "yes"
    eventually(lambda: "level admin" in kubectl("create", "-f", "-", text=configmap("kube-public")).stderr, "in force")
    cluster.api.delete("/api/v1/namespaces/kube-public/configmaps/try")


def test_wildcards_do_not_bring_back_what_was_taken_out() -> None:
    rules = [
        {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]},
        {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]},
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"apiGroups": ["apps"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["/version"], "verbs": ["get"]},
    ]
    apps, version = guard.lessened(rules)
    assert "impersonate" not in apps["verbs"]
    assert "create" in apps["verbs"]
    assert apps["resources"] == ["*"]
    assert version == rules[-1]
