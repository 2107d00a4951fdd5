"""Our side of the races: one cluster asked for over REST of the default set as shipped, until it runs."""

import os
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from clusters.engines.local import network
from clusters.engines.local.layout import Layout
from clusters.engines.local.network import network_of
from pks_portal import files, keys
from tests.load import goal
from tests.load.goal import Probe
from tests.load.race import NODES, Sample
from tests.real.running import ENDED, Portal, until

LOOK_EVERY = 0.005
STEPS = "SELECT name, started_at, ended_at FROM operations_operationstep WHERE operation_id=? ORDER BY 'index'"

UNLIMITED = {f"PKS_API_{what}_PER_MINUTE": "0" for what in ("READS", "CHANGES", "PER_ADDRESS")}
"""One person asks here as a thousand would: what is measured is the portal, not its limits."""


@contextmanager
def running(data: Path, **environment: str) -> Iterator[Portal]:
    """Run a default set of the bench's own; nothing of it is left afterwards."""
    portal = Portal(data, **{**UNLIMITED, **environment})
    portal.run("start")
    os.environ["PKS_KEY_RING_FILE"] = str(data / "keys" / "key-ring")  # probes read the keys of its clusters
    try:
        yield portal
    finally:
        portal.run("clean", "--with-clusters")


class Asker:
    """One person with one kept connection, and a look into the database: the first to see that a task has ended."""

    def __init__(self, portal: Portal, user: str = "li.na") -> None:
        self.portal, self._made = portal, 0
        self._beside = ThreadPoolExecutor(1)
        headers = {"Authorization": f"Bearer {portal.token(user)}"}
        self.client = httpx.Client(base_url=portal.url, headers=headers, timeout=60)
        file = portal.data / "db" / "portal.sqlite3"
        self._database = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)

    def create(self) -> Sample:
        """Time POST → running, look whether that is true, and delete the cluster again (not timed)."""
        self._made += 1
        wish = {"tenant": "payments", "name": f"bench-{self._made}", "plan": "small", "nodes": NODES}
        asked, began = time.time(), time.monotonic()
        made = self.send("POST", "/api/v1/clusters", wish)
        accepted = time.monotonic() - began
        answering = self._beside.submit(self._answers, made["cluster"]["id"], began)
        self.ended(made["task"]["id"])
        said = time.monotonic() - began
        self._probe(made["cluster"]["id"]).wait(NODES)
        sample: Sample = {"seconds": round(time.monotonic() - began, 3)}
        sample |= {"accepted": round(accepted, 3), "readyz": round(answering.result(), 3), "said": round(said, 3)}
        sample["steps"] = self._steps(made["task"]["id"], asked)
        self.ended(self.send("DELETE", f"/api/v1/clusters/{made['cluster']['id']}")["task"]["id"])
        return sample

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Return the answer's body. Raises httpx.HTTPStatusError with what was said."""
        answer = self.client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def ended(self, task: str, seconds: float = 120) -> None:
        """Wait for a task's success, seen when its last transaction is committed."""
        status = until(lambda: self._ended(task), seconds, LOOK_EVERY, f"the end of task {task}")
        assert status == "succeeded", f"task {task}: {status}"

    def _ended(self, task: str) -> str:
        sql = "SELECT status FROM operations_operation WHERE id=?"
        found: str = self._database.execute(sql, [task.replace("-", "")]).fetchone()[0]
        return found if found in ENDED else ""

    def _answers(self, cluster: str, began: float) -> float:
        """Return after how many seconds `/readyz` of the cluster's own door said 200."""
        made = Layout(self.portal.data, UUID(cluster)).secrets / "admin.key"
        until(made.exists, 120, LOOK_EVERY, "the keys of the cluster")
        probe = self._probe(cluster)
        until(probe.ready, 120, goal.LOOK_EVERY, "/readyz")
        return time.monotonic() - began

    def _probe(self, cluster: str) -> Probe:
        layout = Layout(self.portal.data, UUID(cluster))
        facts = layout.facts()
        assert facts is not None, "it runs, but has no place on this host"
        return Probe(network_of(facts).door, network.API, self._opened(layout))

    def _opened(self, layout: Layout) -> Path:
        """Return a directory with the administrator's certificate, its key no longer sealed."""
        opened = self.portal.data / "run" / f"probe-{layout.id}"
        opened.mkdir(mode=0o700, exist_ok=True)
        for name in ("ca.crt", "admin.crt"):
            files.write(opened / name, (layout.secrets / name).read_bytes())
        files.write(opened / "admin.key", keys.read(layout.secrets / "admin.key"))
        return opened

    def _steps(self, task: str, asked: float) -> dict[str, list[float]]:
        """Return when each step began and ended, in seconds after the request."""
        rows = self._database.execute(STEPS, [task.replace("-", "")]).fetchall()
        return {name: [round(moment(at) - asked, 3) for at in times if at] for name, *times in rows}


def moment(text: str) -> float:
    """Return a time of the database as seconds since 1970."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
