"""A portal lost and brought back from its backup: in an empty place on another machine, and in its own place."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pks_portal.paths import CHECKOUT
from tests.real.running import FOREIGN, Portal, kubectl, until

pytestmark = pytest.mark.real
PHRASE = "correct horse battery"


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Portal]:
    portal = Portal(tmp_path / "first")
    portal.run("start")
    yield portal
    portal.run("clean", "--with-clusters")
    until(lambda: not portal.processes(), what="no process left")


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Portal]:
    portal = Portal(tmp_path / "second")
    yield portal
    portal.run("clean", "--with-clusters")


def manage(portal: Portal, *words: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    own = {"PKS_DATA_DIR": str(portal.data), "PKS_BACKUP_PASSPHRASE": PHRASE}
    done = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=CHECKOUT, env=kept | own, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def knows(portal: Portal, token: str) -> bool:
    answer = httpx.get(f"{portal.url}/api/v1/me", headers={"Authorization": f"Bearer {token}"}, timeout=20)
    return answer.status_code == 200 and answer.json()["username"] == "li.na"


def test_a_backup_brings_the_portal_back(first: Portal, second: Portal, tmp_path: Path) -> None:
    task, cluster = first.create("kept", 2)
    first.succeeded(task)
    kubeconfig = first.kubeconfig(cluster, tmp_path / "kubeconfig")
    token = first.token("li.na")
    file = tmp_path / "portal.backup"
    manage(first, "backup", str(file))  # while it runs
    manage(first, "backup", "--check", str(file))

    # another machine: everything but what the clusters themselves held
    manage(second, "restore", str(file))
    second.run("start")
    assert knows(second, token)
    assert second.token("li.na"), "the directory's person is the same account"
    assert [row["name"] for row in second.ask("GET", "/api/v1/clusters")["items"]] == ["kept"]
    degraded = until(
        lambda: (found := second.cluster(cluster))["status"] == "degraded" and found, 60, what="the cluster is not here"
    )
    assert degraded["nodes_ready"] == 0
    assert not second.processes(), "nothing is started in place of what is lost"
    assert (second.data / "restored" / "clusters" / cluster / "secrets" / "ca.key").exists()

    # its own machine: database and keys are lost, the clusters run on
    first.run("stop")
    for name in ("db", "keys"):
        shutil.rmtree(first.data / name)
    before = first.processes(cluster)
    assert before
    manage(first, "restore", str(file))
    first.run("start")
    assert knows(first, token)
    assert first.processes(cluster) == before
    until(lambda: first.cluster(cluster)["status"] == "running", 60, what="the cluster is seen again")
    assert kubectl(kubeconfig, "get", "nodes", "-o", "name").count("node/") == 2
    assert kubectl(first.kubeconfig(cluster, tmp_path / "new"), "get", "nodes", "-o", "name").count("node/") == 2
