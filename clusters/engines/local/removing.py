"""Removing a cluster: end its processes, free its network, delete its data, and look whether anything is left."""

import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from clusters.engines.base import Removal
from clusters.engines.local import api, network, processes, programs
from clusters.engines.local.host import Host, alone
from clusters.engines.local.layout import Layout
from clusters.engines.local.network import Network
from pks_portal.errors import Unavailable
from pks_portal.files import write
from pks_portal.messages import Said, say

STEPS = ("processes", "network", "data", "verify")
DONE = dict.fromkeys(STEPS, 1.0)
PATIENCE = 0.4


class Removing:
    """The steps of removing one cluster; each returns what is left of its part, nothing when it is done."""

    def __init__(self, host: Host, layout: Layout) -> None:
        self._host, self._layout = host, layout

    def step(self) -> Removal:
        """Take one step. The first makes the removal final: the cluster is never started again."""
        place = self._layout.home if self._layout.exists else self._gone
        with alone(place) as mine:
            if not mine and place.exists():
                return Removal(done=False, steps=dict.fromkeys(STEPS, 0.0), left=[say("engine.left_busy")])
            return self._next() if self._layout.exists else self._last()

    def _next(self) -> Removal:
        """Take the step after those that the mark names. Any may be taken again: a crash leaves it without a name."""
        mark = self._layout.removing
        mark.touch()
        done = mark.read_text().split()
        name = next(step for step in STEPS if step not in done)
        left = getattr(self, f"_{name}")()
        if not left:
            done.append(name)
            if self._layout.exists:
                write(mark, " ".join(done))
        return Removal(done=False, steps={step: float(step in done) for step in STEPS}, left=left)

    def _last(self) -> Removal:
        """Look whether anything is left; if so (a crash, a directory deleted by hand) take all steps again."""
        if not self._verify():
            return Removal(done=True, steps=DONE)
        left = next(filter(None, (step() for step in (self._processes, self._network, self._data))), [])
        return Removal(
            done=False, steps={**dict.fromkeys(STEPS, 0.0), **({} if left else DONE), "verify": 0.0}, left=left
        )

    @property
    def _gone(self) -> Path:
        """Where the directory is while it is deleted."""
        return self._layout.home.with_name(f".{self._layout.id}.removed")

    @property
    def _mark(self) -> str:
        return f"{self._layout.home}/"

    def _processes(self) -> Sequence[Said]:
        """Nothing is kept, so nothing waits: stopped in order for the supervisor, then killed."""
        api.forget(self._layout)
        self._host.supervisor.forget(str(self._layout.id))
        stopped = self._stop()
        processes.end(processes.marked(self._mark), self._mark)
        left = processes.wait_gone(self._mark, PATIENCE)
        if stopped and not left:
            left = {0: "supervisor"} if not self._forgotten() else {}
        return [say("engine.left_process", pid=pid, name=mark.removeprefix(self._mark)) for pid, mark in left.items()]

    def _stop(self) -> bool:
        """Stop all programs in order; tell whether there was a supervisor to ask."""
        if not self._host.supervisor.alive():
            return False
        with suppress(Unavailable):
            states = self._host.supervisor.states(f"{self._layout.id}-")
            for component in programs.STOP_ORDER:
                for name in states:
                    if f"-{component}" in name.partition(":")[2].removeprefix(str(self._layout.id)):
                        self._host.supervisor.stop(name)
        return True

    def _forgotten(self) -> bool:
        """Drop the groups; the supervisor needs a moment to notice that a process has ended."""
        deadline = time.monotonic() + PATIENCE
        while groups := {name.partition(":")[0] for name in self._host.supervisor.states(f"{self._layout.id}-")}:
            dropped = [self._host.supervisor.drop(group) for group in groups]
            if all(dropped):
                break
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def _network(self) -> Sequence[Said]:
        net = Network(0, network.namespace_of(self._layout.id))
        net.drop()
        slot = self._host.claims.held(self._layout.home)
        if slot is not None and not network.listenable(Network(slot).door, network.API):
            return [say("engine.left_port", address=Network(slot).door, port=network.API)]
        return []

    def _data(self) -> Sequence[Said]:
        """Move the directory away first: what is half deleted must never look like a cluster."""
        if self._layout.exists:
            self._layout.home.rename(self._gone)
        if self._gone.exists():
            shutil.rmtree(self._gone)
        self._host.claims.release(self._layout.home)
        return []

    def _verify(self) -> Sequence[Said]:
        left = [
            say("engine.left_process", pid=pid, name=mark.removeprefix(self._mark))
            for pid, mark in processes.marked(self._mark).items()
        ]
        namespace = network.NAMESPACES / network.namespace_of(self._layout.id)
        places = (namespace, self._layout.home, self._gone)
        left += [say("engine.left_path", path=str(path)) for path in places if path.exists()]
        if (slot := self._host.claims.held(self._layout.home)) is not None:
            left.append(say("engine.left_path", path=str(self._host.claims.host / f"slot-{slot}")))
        return left
