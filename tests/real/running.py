"""A running portal of the tests' own: the default set in a scratch directory, spoken to as people and scripts do."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from pks_portal.paths import CHECKOUT, cache

PASSWORD = "PksDemo!2026"
FOREIGN = ("PKS_", "DJANGO_", "SECRET_KEY", "DATABASE_URL", "REDIS_URL")
ENDED = ("succeeded", "failed", "cancelled")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], Any], seconds: float = 60, every: float = 0.05, what: str = "") -> Any:
    """Return the first true answer; fail when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        if found := true():
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or true}"
        time.sleep(every)


class Portal:
    """A default set: started, stopped, killed in parts, and asked over REST as one person."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data, self.port = data, free_port()
        # Its own, since the port that everybody takes first may be another's while this portal is stopped.
        self.environment = {"PKS_ISSUER_PORT": str(free_port())} | environment
        self.url = f"http://127.0.0.1:{self.port}"
        self.tokens: dict[str, str] = {}

    # the set
    def run(self, *arguments: str) -> str:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        own = {"PKS_DATA_DIR": str(self.data), "PKS_PORT": str(self.port), "PKS_CACHE_DIR": str(cache())}
        done = subprocess.run(
            [sys.executable, "-m", "pks_portal.default_set", *arguments],
            env=kept | own | self.environment, cwd=CHECKOUT, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def pid(self, program: str) -> int:
        return int((self.data / "run" / "pids" / program).read_text().split()[0])

    def kill(self, program: str) -> None:
        os.kill(self.pid(program), signal.SIGKILL)

    # processes of clusters
    def processes(self, cluster: str = "") -> dict[int, str]:
        """Return pid → program of what lives in the clusters' directories (found by working directory)."""
        found = {}
        prefix = str(self.data / "clusters" / cluster)
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                home = str((entry / "cwd").readlink())
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if home.startswith(prefix) and words and words[0]:
                found[int(entry.name)] = Path(words[0].decode()).name
        return found

    # REST
    def token(self, user: str) -> str:
        if user not in self.tokens:
            form = {"grant_type": "password", "client_id": "pks_cli", "username": user, "password": PASSWORD}
            answer = httpx.post(f"{self.url}/oauth/token", data=form, timeout=20)
            assert answer.status_code == 200, answer.text
            self.tokens[user] = answer.json()["access_token"]
        return self.tokens[user]

    def ask(self, method: str, path: str, body: Any = None, *, user: str = "li.na", status: int | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token(user)}"}
        answer = httpx.request(method, f"{self.url}{path}", json=body, headers=headers, timeout=60)
        if status is not None:
            assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def create(self, name: str, nodes: int = 3, **more: Any) -> tuple[str, str]:
        """Ask for a cluster and return (task id, cluster id)."""
        wish = {"tenant": "payments", "name": name, "plan": "small", "nodes": nodes, **more}
        made = self.ask("POST", "/api/v1/clusters", wish, status=202)
        return made["task"]["id"], made["cluster"]["id"]

    def ended(self, task: str, seconds: float = 120) -> dict[str, Any]:
        """Wait for a task's end and return it."""

        def over() -> Any:
            try:
                found = self.ask("GET", f"/api/v1/tasks/{task}")
            except httpx.HTTPError:
                return None
            return found if found.get("status") in ENDED else None

        return dict(until(over, seconds, 0.1, f"the end of task {task}"))

    def succeeded(self, task: str, seconds: float = 120) -> dict[str, Any]:
        found = self.ended(task, seconds)
        assert found["status"] == "succeeded", json.dumps(found, indent=1)
        return found

    def events(self, task: str) -> list[dict[str, Any]]:
        return list(self.ask("GET", f"/api/v1/tasks/{task}/events")["items"])

    def cluster(self, cluster_id: str) -> dict[str, Any]:
        return dict(self.ask("GET", f"/api/v1/clusters/{cluster_id}", status=200))

    def kubeconfig(self, cluster_id: str, path: Path, level: str = "edit") -> Path:
        issued = self.ask("POST", f"/api/v1/clusters/{cluster_id}/kubeconfigs", {"level": level}, status=201)
        path.write_text(issued["kubeconfig"])
        return path

    # the database, read beside the portal: the only way to see an event within a millisecond of its commit
    def query(self, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
        link = sqlite3.connect(f"file:{self.data / 'db' / 'portal.sqlite3'}?mode=ro", uri=True, timeout=10)
        try:
            return link.execute(sql, arguments).fetchall()
        finally:
            link.close()

    def writable(self) -> bool:
        """Say whether nobody is writing to the database at this moment."""
        link = sqlite3.connect(self.data / "db" / "portal.sqlite3", timeout=0, isolation_level=None)
        try:
            link.execute("BEGIN IMMEDIATE")
            link.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return False
        else:
            return True
        finally:
            link.close()

    @contextmanager
    def locked(self) -> Iterator[sqlite3.Connection]:
        """Let nobody write to the database meanwhile."""
        link = sqlite3.connect(self.data / "db" / "portal.sqlite3", timeout=10, isolation_level=None)
        try:
            link.execute("BEGIN IMMEDIATE")
            yield link
            link.execute("ROLLBACK")
        finally:
            link.close()

    def step_started(self, task: str, step: str) -> bool:
        sql = "SELECT 1 FROM operations_operationevent WHERE operation_id=? AND step=? AND key='event.step_started'"
        return bool(self.query(sql, task.replace("-", ""), step))


def kubectl(kubeconfig: Path, *arguments: str, check: bool = True) -> str:
    """Run the real kubectl of the default version."""
    program = cache() / "bin" / "1.37.2" / "kubectl"
    done = subprocess.run(
        [str(program), "--kubeconfig", str(kubeconfig), *arguments],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stderr
    return done.stdout + ("" if check else done.stderr)


def started(data: Path, **environment: str) -> Iterator[Portal]:
    """Give a running default set; afterwards nothing of it may be left."""
    portal = Portal(data, **environment)
    portal.run("start")
    yield portal
    portal.run("clean", "--with-clusters")
    until(lambda: not portal.processes(), what="no process left")
