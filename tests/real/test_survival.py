"""What dies comes back, goes on where it was, and does nothing twice."""

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from clusters.engines.local import processes
from clusters.engines.local.engine import SCALE_DOWN, SCALE_UP, STEPS
from clusters.engines.local.host import Host
from clusters.engines.local.observing import PARTS
from pks_portal.paths import cache
from tests.real.running import Portal, kubectl, until

pytestmark = [pytest.mark.real]

PROGRAMS = sorted(["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "haproxy"])


@pytest.fixture(scope="module")
def number() -> list[int]:
    return [0]


def name_of(number: list[int]) -> str:
    number[0] += 1
    return f"survivor-{number[0]}"


def kill_worker_in(portal: Portal, step: str, begin: Callable[[], str]) -> str:
    """Begin a task, kill the worker in the middle of a step, and return the task.

    The last step of a plan may be over within a millisecond after it is seen to have started: then once more.
    """
    for _ in range(8):
        task = begin()
        if killed_at(portal, task, step):
            return task
        portal.succeeded(task)
    pytest.fail(f"step {step} was always over before the worker was killed")


def killed_at(portal: Portal, task: str, step: str) -> bool:
    """Kill the worker and tell whether the task was at work then.

    The database is locked from before the kill until after the look: neither this worker nor the next can write.
    """
    until(lambda: portal.step_started(task, step), 60, 0.001, f"step {step} of {task} started")
    with portal.locked() as link:
        portal.kill("worker")
        sql = "SELECT status, ended_at FROM operations_operation WHERE id=?"
        left: tuple[str, str | None] = link.execute(sql, (task.replace("-", ""),)).fetchone()
    return left == ("running", None)


def assert_whole(portal: Portal, cluster: str, nodes: int) -> None:
    """The right end state, one set of processes, one claim."""
    until(lambda: portal.cluster(cluster)["nodes_ready"] == nodes, 30, 0.2, f"{nodes} nodes ready")
    seen = portal.cluster(cluster)
    assert (seen["status"], len(seen["nodes"])) == ("running", nodes)
    assert sorted(portal.processes(cluster).values()) == PROGRAMS


def assert_story(portal: Portal, task: str, steps: Sequence[str]) -> None:
    """Numbered without gaps; each step began and ended once; it ended once."""
    events = portal.events(task)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    for kind in ("event.step_started", "event.step_done"):
        assert [event["step"] for event in events if event["key"] == kind] == list(steps)
    assert [event["key"] for event in events].count("event.succeeded") == 1


@pytest.fixture(scope="module")
def patient(portal: Portal) -> dict[str, str]:
    """Return a running cluster that the scale tests share."""
    task, cluster = portal.create("patient", 2)
    portal.succeeded(task)
    return {"id": cluster}


@pytest.mark.parametrize("step", list(STEPS["create"]))
def test_a_worker_killed_while_creating(portal: Portal, number: list[int], step: str) -> None:
    made: list[str] = []

    def create() -> str:
        for earlier in made:
            portal.succeeded(portal.ask("DELETE", f"/api/v1/clusters/{earlier}", status=202)["task"]["id"])
        task, cluster = portal.create(name_of(number), 2)
        made[:] = [cluster]
        return task

    task = kill_worker_in(portal, step, create)
    (cluster,) = made
    portal.succeeded(task)
    assert_whole(portal, cluster, 2)
    assert_story(portal, task, tuple(STEPS["create"]))
    deeds = portal.query("SELECT action FROM tenants_auditentry WHERE subject_id=?", cluster)
    assert deeds == [("cluster.create",)]
    gone = portal.ask("DELETE", f"/api/v1/clusters/{cluster}", status=202)["task"]["id"]
    portal.succeeded(gone)


def size(portal: Portal, cluster: str, nodes: int) -> None:
    """Bring a cluster to a number of nodes; tests come in any order."""
    if portal.cluster(cluster)["nodes_wanted"] != nodes:
        answer = portal.ask("PATCH", f"/api/v1/clusters/{cluster}", {"nodes": nodes}, status=202)
        portal.succeeded(answer["task"]["id"])


@pytest.mark.parametrize("step", list(STEPS["scale"]))
def test_a_worker_killed_while_scaling(portal: Portal, patient: dict[str, str], step: str) -> None:
    steps, before, wanted = (SCALE_UP, 2, 5) if step in SCALE_UP else (SCALE_DOWN, 5, 2)

    def scale() -> str:
        size(portal, patient["id"], before)
        answer = portal.ask("PATCH", f"/api/v1/clusters/{patient['id']}", {"nodes": wanted}, status=202)
        return str(answer["task"]["id"])

    task = kill_worker_in(portal, step, scale)
    portal.succeeded(task)
    assert_whole(portal, patient["id"], wanted)
    assert_story(portal, task, steps)


@pytest.mark.parametrize("step", list(STEPS["delete"]))
def test_a_worker_killed_while_deleting(portal: Portal, number: list[int], step: str) -> None:
    made: list[str] = []

    def delete() -> str:
        task, cluster = portal.create(name_of(number), 1)
        portal.succeeded(task)
        made.append(cluster)
        return str(portal.ask("DELETE", f"/api/v1/clusters/{cluster}", status=202)["task"]["id"])

    task = kill_worker_in(portal, step, delete)
    portal.succeeded(task)
    assert_story(portal, task, tuple(STEPS["delete"]))
    assert_nothing_left(portal, made[-1])


def assert_nothing_left(portal: Portal, cluster: str) -> None:
    """DESIGN's "after delete": no process, namespace, directory, claim, credential or desired-state row."""
    assert portal.processes(cluster) == {}
    assert not (portal.data / "clusters" / cluster).exists()
    assert (
        cluster.replace("-", "")
        not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=False).stdout
    )
    claims = [claim.read_text() for claim in Path("/run/lock/pks-portal").glob("slot-*")]
    assert not [claim for claim in claims if cluster in claim]
    for table, column in (
        ("clusters_cluster", "id"), ("clusters_nodepool", "cluster_id"), ("clusters_kubeconfig", "cluster_id"),
        ("tenants_reservation", "subject"),
    ):  # fmt: skip
        assert portal.query(f"SELECT 1 FROM {table} WHERE {column}=?", cluster.replace("-", "")) == []
    assert portal.ask("GET", f"/api/v1/tasks?subject={cluster}")["items"]


def test_a_stopped_worker_that_resumes_late_writes_nothing(portal: Portal, number: list[int]) -> None:
    """SIGSTOP past the lease: another worker takes over; the first resumes and finds its fence gone."""
    environment = {**os.environ, **dict(line.split("=", 1) for line in env_lines(portal))}
    second = subprocess.Popen(
        [".venv/bin/celery", "-A", "pks_portal", "worker", "--pool", "threads", "-c", "4", "-n", "second@%h"],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    worker = portal.pid("worker")
    try:
        task, cluster = portal.create(name_of(number), 2)
        until(lambda: portal.step_started(task, "certificates"), 30, 0.002)

        def stopped() -> bool:  # between two writes: in the middle of one, SQLite lets nobody else write, ever
            os.kill(worker, signal.SIGSTOP)
            if portal.writable():
                return True
            os.kill(worker, signal.SIGCONT)
            return False

        until(stopped, 10, 0.002, "the worker is stopped between two writes")
        stopped_with = portal.query("SELECT fence FROM operations_operation WHERE id=?", task.replace("-", ""))
        portal.ended(task, 60)
    finally:
        os.kill(worker, signal.SIGCONT)
        second.terminate()
        second.wait(20)
    portal.succeeded(task)
    assert portal.query("SELECT fence FROM operations_operation WHERE id=?", task.replace("-", "")) > stopped_with
    assert_whole(portal, cluster, 2)
    assert_story(portal, task, tuple(STEPS["create"]))


def env_lines(portal: Portal) -> list[str]:
    lines = (portal.data / "run" / "portal.env").read_text().splitlines()
    return [line for line in lines if "=" in line and not line.startswith("#")]


@pytest.mark.parametrize("program", ["redis", "web", "beat"])
def test_a_killed_part_comes_back_and_no_event_is_lost(portal: Portal, number: list[int], program: str) -> None:
    task, cluster = portal.create(name_of(number), 1)
    until(lambda: portal.step_started(task, "control-plane"), 30, 0.002)
    portal.kill(program)
    portal.succeeded(task)
    assert_whole(portal, cluster, 1)
    assert_story(portal, task, tuple(STEPS["create"]))
    portal.succeeded(portal.ask("DELETE", f"/api/v1/clusters/{cluster}", status=202)["task"]["id"])


@pytest.mark.parametrize("program", ["kube-apiserver", "etcd", "haproxy"])
def test_a_killed_part_of_a_cluster_is_said_and_restarted(
    portal: Portal, patient: dict[str, str], program: str
) -> None:
    victim = next(pid for pid, name in portal.processes(patient["id"]).items() if name == program)
    os.kill(victim, signal.SIGKILL)
    said = "SELECT facts FROM tenants_auditentry WHERE action='cluster.restarted' AND subject_id=? AND facts LIKE ?"
    part = f"%{PARTS.get(program, 'front-door')}%"
    until(lambda: portal.query(said, patient["id"], part), 60, 0.2, "said on the page")
    settle(portal, patient["id"])
    assert sorted(portal.processes(patient["id"]).values()) == PROGRAMS


def test_the_clusters_supervisor_is_restarted_by_the_portals(portal: Portal, patient: dict[str, str]) -> None:
    marks = [pid for pid, line in supervisors(portal).items()]
    assert len(marks) == 1
    os.kill(marks[0], signal.SIGKILL)
    until(lambda: (found := supervisors(portal)) and marks[0] not in found, 30, 0.1, "a new supervisor")
    until(lambda: sorted(portal.processes(patient["id"]).values()) == PROGRAMS, 60, 0.2, "one set of processes")
    settle(portal, patient["id"])


def supervisors(portal: Portal) -> dict[int, str]:
    """Return the clusters' supervisors of this data directory."""
    return processes.marked(Host.at(portal.data, cache(), None).supervisor.mark)


def test_after_stop_and_a_killed_supervisor_the_next_run_finds_all(
    portal: Portal, patient: dict[str, str], tmp_path: Path
) -> None:
    config = portal.kubeconfig(patient["id"], tmp_path / "config")
    kubectl(config, "create", "configmap", "kept", "--from-literal=a=b")
    before = portal.processes(patient["id"])
    portal.run("stop")
    assert portal.processes(patient["id"]) == before, "clusters live on"
    assert kubectl(config, "get", "configmap", "kept", "-o", "name").strip() == "configmap/kept"
    portal.run("start")
    portal.kill("supervisor")
    portal.run("start")
    settle(portal, patient["id"])
    assert portal.processes(patient["id"]) == before


def test_after_a_reboot_clusters_are_back_from_disk(portal: Portal, patient: dict[str, str], tmp_path: Path) -> None:
    """Simulated: every process killed, run state and namespaces removed; then `make run`."""
    config = portal.kubeconfig(patient["id"], tmp_path / "config")
    kubectl(config, "create", "configmap", "kept-too", "--from-literal=a=b")
    reboot(portal)
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"{portal.url}/healthz", timeout=2)
    portal.run("start")
    until(lambda: sorted(portal.processes(patient["id"]).values()) == PROGRAMS, 60, 0.2, "one set of processes")
    settle(portal, patient["id"])
    assert kubectl(config, "get", "configmap", "kept-too", "-o", "name").strip() == "configmap/kept-too"


def settle(portal: Portal, cluster: str) -> None:
    """Wait until the portal looks at the cluster after this moment, and finds that it runs."""
    moment = datetime.now(UTC)

    def runs() -> bool:
        seen = portal.cluster(cluster)
        fresh = datetime.fromisoformat(seen["observed_at"]) > moment
        return fresh and seen["status"] == "running" and sorted(portal.processes(cluster).values()) == PROGRAMS

    until(runs, 90, 0.2, "seen running again")


def reboot(portal: Portal) -> None:
    for _ in range(3):  # a supervisor may start one more while it is being killed
        for pid in {*portal.processes(), *supervisors(portal), *own_processes(portal)}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    until(lambda: not portal.processes() and not supervisors(portal), 20)
    for name in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout.split():
        if any(name.endswith(path.name.replace("-", "")) for path in (portal.data / "clusters").iterdir()):
            subprocess.run(["ip", "netns", "delete", name], check=True)
    for claim in Path("/run/lock/pks-portal").glob("slot-*"):
        if claim.read_text().startswith(str(portal.data)):
            claim.unlink()


def own_processes(portal: Portal) -> list[int]:
    return [int(file.read_text().split()[0]) for file in (portal.data / "run" / "pids").iterdir()]
