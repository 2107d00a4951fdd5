"""Removing a cluster: end its processes, free its network, delete its data, and look whether anything is left."""

import shutil
import time
from collections.abc import Sequence
from contextlib import suppress

from clusters.engines.base import Removal
from clusters.engines.local import api, network, processes, programs
from clusters.engines.local.host import Host, alone
from clusters.engines.local.layout import Layout
from clusters.engines.local.network import Network
from pks_portal.errors import Unavailable
from pks_portal.messages import Said, say

STEPS = ("processes", "network", "data", "verify")
PATIENCE = 0.4


class Removing:
    """The steps of removing one cluster; each returns what is left of its part, nothing when it is done."""

    def __init__(self, host: Host, layout: Layout) -> None:
        self._host, self._layout = host, layout

    def step(self) -> Removal:
        """Go as far as it goes now. The first call makes the removal final: the cluster is never started again."""
        with alone(self._layout.home) as mine:
            if self._layout.exists:
                if not mine:
                    return Removal(done=False, steps=dict.fromkeys(STEPS, 0.0), left=[say("engine.left_busy")])
                self._layout.removing.touch()
            for done, name in enumerate(STEPS):
                if left := getattr(self, f"_{name}")():
                    shares = {step: float(place < done) for place, step in enumerate(STEPS)}
                    return Removal(done=False, steps=shares, left=left)
        return Removal(done=True, steps=dict.fromkeys(STEPS, 1.0))

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
        gone = self._layout.home.with_name(f".{self._layout.id}.removed")
        if self._layout.exists:
            self._layout.home.rename(gone)
        if gone.exists():
            shutil.rmtree(gone)
        self._host.claims.release(self._layout.home)
        return []

    def _verify(self) -> Sequence[Said]:
        left = [
            say("engine.left_process", pid=pid, name=mark.removeprefix(self._mark))
            for pid, mark in processes.marked(self._mark).items()
        ]
        namespace = network.NAMESPACES / network.namespace_of(self._layout.id)
        places = (namespace, self._layout.home, self._layout.home.with_name(f".{self._layout.id}.removed"))
        left += [say("engine.left_path", path=str(path)) for path in places if path.exists()]
        if (slot := self._host.claims.held(self._layout.home)) is not None:
            left.append(say("engine.left_path", path=str(self._host.claims.host / f"slot-{slot}")))
        return left
