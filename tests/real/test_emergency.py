"""A platform administrator enters a tenant's cluster: announced, opens it, and is over however it comes to an end."""

import json
import re
import sqlite3
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509

from tests.real.running import Portal, kubectl, started, until
from tests.real.test_issuer import manage

pytestmark = pytest.mark.real
BOSS, ADMIN = "zhang.wei", "sun.li"
REASON = {"reason": "incident 4711: etcd is full", "minutes": 5}
SHORT = """
from datetime import timedelta
from clusters import hosts
from clusters.models import Cluster
made = hosts.credentials(Cluster.objects.get(pk="{pk}"), holder="zhang.wei", level="admin", ttl=timedelta(seconds=8))
print("made", made.name, made.kubeconfig.replace(chr(10), " "))
"""


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    yield from started(tmp_path_factory.mktemp("emergency"))


@pytest.fixture(scope="module")
def cluster(portal: Portal) -> str:
    task, made = portal.create("theirs", 1)
    portal.succeeded(task)
    return made


def enter(portal: Portal, cluster: str, path: Path) -> dict[str, Any]:
    """Enter, and return what the portal said without the kubeconfig, which is in the file."""
    entered = dict(portal.ask("POST", f"/api/v1/clusters/{cluster}/emergency", REASON, user=BOSS, status=201))
    path.write_text(entered.pop("kubeconfig"))
    return entered


def opens(path: Path) -> str:
    return kubectl(path, "get", "secrets", "--all-namespaces", check=False)


def told(portal: Portal, name: str) -> list[str]:
    sql = "SELECT n.kind FROM tenants_notice n JOIN tenants_user u ON u.id = n.user_id WHERE u.username = ?"
    return sorted(row[0] for row in portal.query(sql, name) if row[0].startswith("cluster.emergency"))


def deeds(portal: Portal) -> list[str]:
    sql = "SELECT action FROM tenants_auditentry WHERE action LIKE 'cluster.emer%' ORDER BY id"
    return [row[0] for row in portal.query(sql)]


def test_it_opens_the_cluster_until_the_tenant_ends_it(portal: Portal, cluster: str, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    portal.ask("GET", "/api/v1/me", user=ADMIN, status=200)  # who never signed in is nobody yet
    before = len(deeds(portal)), told(portal, ADMIN), told(portal, BOSS)
    portal.ask("POST", f"/api/v1/clusters/{cluster}/kubeconfigs", {"level": "view"}, user=BOSS, status=403)
    entered = enter(portal, cluster, kubeconfig)
    assert "No resources found" in opens(kubeconfig) or "NAMESPACE" in opens(kubeconfig)
    issued = json.loads(kubeconfig.read_text())["users"][0]["user"]["client-certificate-data"]
    end = x509.load_pem_x509_certificate(b64decode(issued)).not_valid_after_utc
    slack = timedelta(seconds=5)  # between the row and the certificate
    assert end <= datetime.fromisoformat(entered["ends_at"]) + slack, "it ends by itself, without the portal"
    assert told(portal, ADMIN) == sorted([*before[1], "cluster.emergency"])
    portal.ask("DELETE", f"/api/v1/clusters/{cluster}/emergency", user=ADMIN, status=204)
    assert "orbidden" in opens(kubeconfig)
    assert told(portal, BOSS) == sorted([*before[2], "cluster.emergency_end"])
    assert deeds(portal)[before[0] :] == ["cluster.emergency", "cluster.emergency_end"]


def test_the_sweep_ends_it_when_its_time_is_over(portal: Portal, cluster: str, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    enter(portal, cluster, kubeconfig)
    assert "orbidden" not in opens(kubeconfig)
    with closing(sqlite3.connect(portal.data / "db" / "portal.sqlite3", timeout=20)) as link, link:
        link.execute("UPDATE clusters_emergencyaccess SET ends_at = started_at WHERE ended_at IS NULL")
    until(lambda: "orbidden" in opens(kubeconfig), 60, 0.5, "the sweep takes its binding away")
    until(lambda: not portal.query("SELECT 1 FROM clusters_emergencyaccess WHERE ended_at IS NULL"), 10)


def test_its_certificate_ends_also_while_nobody_sweeps(portal: Portal, cluster: str, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    said = manage(portal, "shell", "-c", SHORT.format(pk=cluster))
    kubeconfig.write_text(said[said.index("made ") :].split(" ", 2)[2])
    assert "orbidden" not in opens(kubeconfig)
    until(lambda: "logged in" in opens(kubeconfig) or "nauthorized" in opens(kubeconfig), 30, 0.5, "401 by itself")
    assert said[said.index("made ") :].split(" ", 2)[1] in bindings(portal, cluster, tmp_path), "not by its binding"


def bindings(portal: Portal, cluster: str, folder: Path) -> set[str]:
    """Return the names of the credentials that have rights in the cluster."""
    admin = portal.kubeconfig(cluster, folder / "admin", level="admin")
    names = kubectl(admin, "get", "clusterrolebindings", "-o", "name").split()
    found = (re.search(r"/pks-portal:([0-9a-f]{16})$", name) for name in names)
    return {match[1] for match in found if match}


@pytest.mark.parametrize("turn", range(3))
def test_nothing_is_left_by_a_portal_that_is_killed_meanwhile(
    portal: Portal, cluster: str, tmp_path: Path, turn: int
) -> None:
    """Each turn kills it a little later after the access is announced; what is live on the cluster has its row."""
    known = bindings(portal, cluster, tmp_path)  # by what the tests before have left
    path, headers = f"/api/v1/clusters/{cluster}/emergency", {"Authorization": f"Bearer {portal.token(BOSS)}"}

    def ask() -> None:
        with suppress(httpx.HTTPError):
            httpx.post(f"{portal.url}{path}", json=REASON, headers=headers, timeout=30)

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: portal.query("SELECT 1 FROM clusters_emergencyaccess WHERE ended_at IS NULL"), 30, 0.002)
    threading.Event().wait(turn * 0.03)
    before = portal.pid("web")
    portal.kill("web")
    asking.join()
    until(lambda: portal.pid("web") != before and _answers(portal), 60, 0.2, "it is up again")
    live = bindings(portal, cluster, tmp_path) - known
    rows = dict(portal.query("SELECT name, emergency_id FROM clusters_kubeconfig"))
    assert live <= rows.keys(), "the database knows what is live"
    portal.ask("DELETE", path, user=BOSS, status=204)
    left = bindings(portal, cluster, tmp_path)
    assert not [name for name in left if rows.get(name)], "nothing of it is left"


def _answers(portal: Portal) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{portal.url}/healthz", timeout=2).status_code == 200
    return False
