"""Kubeconfigs, tried with the real kubectl."""

import http.client
import ssl
import stat
from pathlib import Path

import pytest

from clusters.engines.local import network
from clusters.engines.local.access import BINDINGS, PREFIX
from pks_portal.errors import Invalid
from tests.engines.local.conftest import Running
from tests.engines.rig import eventually

pytestmark = pytest.mark.real


@pytest.mark.parametrize(
    ("level", "may", "may_not"),
    [
        ("view", ["get pods", "list nodes"], ["create deployments", "get secrets", "create clusterrolebindings"]),
        ("edit", ["create deployments", "get secrets", "list nodes"], ["create clusterrolebindings", "delete nodes"]),
        ("admin", ["create clusterrolebindings", "delete nodes"], []),
    ],
)
def test_a_level_gives_its_rights_and_no_more(
    cluster: Running, tmp_path: Path, level: str, may: list[str], may_not: list[str]
) -> None:
    name, path = cluster.kubeconfig(tmp_path, level)
    kubectl = cluster.kubectl(path)
    for right in may:
        assert kubectl("auth", "can-i", *right.split()).stdout.strip() == "yes", right
    for right in may_not:
        assert kubectl("auth", "can-i", *right.split()).stdout.strip() == "no", right
    who = kubectl("auth", "whoami", "-o", "json").stdout
    assert f"pks:li.na:{level}:{name}" in who
    assert "system:masters" not in who
    cluster.rig.make().revoke(cluster.wanted.id, name)


def test_revoking_ends_one_credential_and_no_other(cluster: Running, tmp_path: Path) -> None:
    (gone, gone_file), (kept, kept_file) = (cluster.kubeconfig(tmp_path, "edit") for _ in range(2))
    assert cluster.kubectl(gone_file)("get", "nodes").stdout.count(" Ready ") == 3
    cluster.rig.make().revoke(cluster.wanted.id, gone)
    eventually(lambda: cluster.kubectl(gone_file)("get", "nodes").returncode != 0, "revoked", patience=10)
    assert "forbidden" in cluster.kubectl(gone_file)("get", "nodes").stderr.lower()
    assert cluster.kubectl(kept_file)("get", "nodes").returncode == 0
    assert cluster.api.find(f"{BINDINGS}/{PREFIX}{gone}") is None
    cluster.rig.make().revoke(cluster.wanted.id, gone)  # again: nothing happens
    cluster.rig.make().revoke(cluster.wanted.id, kept)


def test_an_unknown_level_is_refused(cluster: Running, tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        cluster.kubeconfig(tmp_path, "root")


def test_who_is_nobody_may_only_ask_for_health(cluster: Running) -> None:
    context = ssl.create_default_context(cafile=str(cluster.layout.secrets / "ca.crt"))
    connection = http.client.HTTPSConnection(cluster.net.door, network.API, context=context, timeout=5)
    answers = {}
    for path in ("/readyz", "/livez", "/version", "/api/v1/nodes"):
        connection.request("GET", path)
        with connection.getresponse() as response:
            answers[path] = response.status
            response.read()
    connection.close()
    assert answers == {"/readyz": 200, "/livez": 200, "/version": 401, "/api/v1/nodes": 401}


def test_keys_belong_to_the_cluster_or_to_the_portal(cluster: Running) -> None:
    home, owner = cluster.layout.home, cluster.facts.owner
    for folder, expected in ((cluster.layout.pki, owner), (cluster.layout.secrets, None)):
        for path in (folder, *folder.iterdir()):
            state = path.stat()
            assert stat.S_IMODE(state.st_mode) & 0o077 == 0, path
            assert state.st_uid == (home.stat().st_uid if expected is None else expected), path
