"""Processes killed, supervisors killed, machines restarted: clusters come back, and nothing runs twice."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clusters.engines.local import keeper, network, processes
from clusters.engines.local.host import Host, alone
from pks_portal import paths
from tests.engines.conftest import local_rig, needs_binaries
from tests.engines.local.conftest import Running
from tests.engines.rig import eventually, last, wish

pytestmark = pytest.mark.real
PROGRAMS = {"etcd-1", "kube-apiserver-1", "kube-controller-manager-1", "kube-scheduler-1", "kwok", "haproxy"}
SERVING = {"etcd-1", "kube-apiserver-1", "haproxy"}


@contextmanager
def keeping(host: Host) -> Iterator[subprocess.Popen[bytes]]:
    """Run a keeper as the portal does."""
    command = [sys.executable, "-m", "clusters.engines.local.keeper"]
    command += ["--data", str(host.root), "--claims", str(host.claims.host)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def healthy_again(cluster: Running) -> None:
    """Wait for the whole cluster, with nothing but looking: mending is the supervisor's and the keeper's."""
    eventually(lambda: cluster.observe().settled, "settled again")
    assert set(cluster.processes()) == PROGRAMS


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_a_killed_process_is_started_again(cluster: Running, program: str) -> None:
    before = cluster.processes()
    os.kill(before[program], signal.SIGKILL)
    eventually(lambda: cluster.processes().get(program, before[program]) != before[program], f"{program} is back")
    healthy_again(cluster)
    after = cluster.processes()
    changed = {name for name in PROGRAMS if after[name] != before[name]}
    assert program in changed
    assert changed & SERVING <= {program}  # the others may end by themselves when their API server goes


def test_a_dead_part_is_a_condition_that_is_not_so(cluster: Running) -> None:
    pid = cluster.processes()["kube-scheduler-1"]
    os.kill(pid, signal.SIGSTOP)
    try:
        eventually(lambda: not cluster.observe().healthy, "seen", patience=30)
        assert [c.name for c in cluster.observe().conditions if not c.ok] == ["scheduler"]
    finally:
        os.kill(pid, signal.SIGCONT)
    healthy_again(cluster)


def test_the_keeper_replaces_a_killed_supervisor_and_nothing_runs_twice(cluster: Running) -> None:
    before = cluster.processes()
    with keeping(cluster.host):
        (supervisor,) = processes.marked(cluster.host.supervisor.mark)
        os.kill(supervisor, signal.SIGKILL)
        eventually(cluster.host.supervisor.alive, "a new supervisor")
        healthy_again(cluster)
    (new,) = processes.marked(cluster.host.supervisor.mark)
    assert new != supervisor
    assert not set(before.values()) & set(cluster.processes().values())
    assert len(cluster.observe().nodes) == 3  # etcd kept everything


def test_clusters_go_on_while_the_keeper_stops(cluster: Running) -> None:
    with keeping(cluster.host) as process:
        before = cluster.processes()
        process.kill()
        process.wait()
    assert cluster.processes() == before
    assert cluster.observe().settled


def test_clusters_come_back_after_a_reboot(cluster: Running) -> None:
    ids = [node.created for node in cluster.observe().nodes]
    assert keeper.end_all(cluster.host) >= len(PROGRAMS) + 1
    assert not cluster.processes()
    for folder in (cluster.host.claims.host, cluster.host.supervisor.home):
        shutil.rmtree(folder)
    assert not (network.NAMESPACES / network.namespace_of(cluster.wanted.id)).exists()
    assert not cluster.observe().healthy
    with keeping(cluster.host):
        healthy_again(cluster)
    assert [node.created for node in cluster.observe().nodes] == ids


def test_all_clusters_can_be_removed_at_once(tmp_path: Path) -> None:
    needs_binaries()
    host = Host.at(tmp_path / "data", paths.cache(), tmp_path / "claims")
    rig, wanted = local_rig(host), wish()
    rig.make().begin(wanted)
    last(lambda: rig.step(wanted), lambda seen: seen.steps["certificates"] == 1)
    arguments = ["end-all", "--with-data", "--data", str(host.root), "--claims", str(host.claims.host)]
    assert keeper.main(arguments) == 0
    assert not processes.marked(str(host.root))
    assert not rig.make().observe(wanted).exists
    assert [path.name for path in host.claims.host.iterdir()] == ["lock"]


def test_two_workers_at_once_do_everything_once(local_host: Host, cluster: Running) -> None:
    """A worker that takes a step while another takes it finds the cluster taken and leaves it."""
    with alone(cluster.layout.home) as mine:
        assert mine
        assert not cluster.rig.make().remove(cluster.wanted.id).done
        cluster.rig.make().apply(cluster.wanted)
    assert not cluster.layout.removing.exists()
