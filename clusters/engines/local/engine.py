"""Clusters as plain upstream processes on this machine."""

import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import clusters.engines.messages  # noqa: F401  (the texts of what is said here)
from clusters.engines.base import (
    Capabilities,
    Credential,
    Engine,
    Observed,
    Preview,
    Removal,
    StepSpec,
    Wanted,
)
from clusters.engines.local import access, capacity, following, network, nodes, observing, processes, scaling
from clusters.engines.local.api import Api
from clusters.engines.local.host import Host, alone, explained
from clusters.engines.local.layout import Layout, make_directory
from clusters.engines.local.making import Making
from clusters.engines.local.network import Network, network_of
from clusters.engines.local.removing import Removing
from pks_portal.errors import Conflict, Invalid, Unavailable
from pks_portal.messages import Said, say

# Weights are what the steps take on a quiet machine, in hundredths of a second; the programs are usually there.
STEPS = {
    "create": {"binaries": 1, "host": 2, "certificates": 3, "control-plane": 300, "nodes": 60, "ready": 60},
    "scale": {"add": 30, "cordon": 5, "drain": 60, "remove": 5},
    "delete": {"processes": 40, "network": 5, "data": 5, "verify": 2},
}
SCALE_UP, SCALE_DOWN = ("add",), ("cordon", "drain", "remove")
CONTROL_PLANES = (1,)


class LocalEngine(Engine):
    """Clusters under the data directory `root`, from programs in `cache`; `host` is where claims lie (for tests)."""

    kind = "local"

    def __init__(self, *, root: Path, cache: Path, host: Path | None = None) -> None:
        self._host = Host.at(root, cache, host)

    def capabilities(self) -> Capabilities:
        isolated = network.isolation()
        reason = "engine.no_namespaces" if network.owner_of(0) is not None else "engine.not_root"
        return Capabilities(
            simulated_control_plane=False,
            simulated_nodes=True,
            control_planes=CONTROL_PLANES,
            network_isolated=isolated,
            notes=[say("engine.nodes_simulated"), *([] if isolated else [say(reason)])],
        )

    def steps(self, change: str) -> Sequence[StepSpec]:
        return [StepSpec(name, weight) for name, weight in STEPS[change].items()]

    def preview(self, current: Wanted | None, wanted: Wanted) -> Preview:
        before = list(nodes.names(current)) if current else []
        after = list(nodes.names(wanted))
        needed = capacity.memory_needed(wanted) if current is None else 0.0
        free = self._host.memory_free()
        added = [name for name in after if name not in before]
        removed = [name for name in before if name not in after]
        idle = {*(SCALE_UP if not added else ()), *(SCALE_DOWN if not removed else ())} if current else set()
        return Preview(
            steps=[step for step in self.steps("scale" if current else "create") if step.name not in idle],
            nodes_added=added,
            nodes_removed=removed,
            memory_needed_gib=needed,
            memory_free_gib=free,
            refusal=_refusal(wanted, needed, free),
        )

    def begin(self, wanted: Wanted) -> None:
        layout = self._host.layout(wanted.id)
        with explained(layout.home):
            make_directory(layout.home, mode=0o711)

    def apply(self, wanted: Wanted) -> None:
        layout = self._host.layout(wanted.id)
        if wanted.control_plane not in CONTROL_PLANES:
            raise Invalid("engine.control_plane", field="control_plane", count=wanted.control_plane)
        with explained(layout.home), alone(layout.home) as mine:
            if mine:  # neither at another worker's hands nor gone
                self._advance(layout, wanted)

    def observe(self, wanted: Wanted) -> Observed:
        with explained(self._host.layout(wanted.id).home):
            return observing.observe(self._host, wanted)

    def memory(self, cluster_id: UUID) -> int | None:
        return processes.memory(f"{self._host.layout(cluster_id).home}/")

    def remove(self, cluster_id: UUID) -> Removal:
        layout = self._host.layout(cluster_id)
        with explained(layout.home):
            return Removing(self._host, layout).step()

    def credentials(self, wanted: Wanted, *, holder: str, level: str, ttl: timedelta, name: str = "") -> Credential:
        layout = self._host.layout(wanted.id)
        with explained(layout.home):
            if (net := self._net(layout)) is None:
                raise Conflict("engine.not_made", name=wanted.name)
            asked = access.Asked(holder=holder, level=level, ttl=ttl, name=name or secrets.token_hex(8))
            return access.issue(layout, net, wanted.name, asked)

    def revoke(self, cluster_id: UUID, name: str) -> None:
        layout = self._host.layout(cluster_id)
        with explained(layout.home):
            if (net := self._net(layout)) is not None:
                access.revoke(layout, net, name)

    def follow(self, wanted: Wanted) -> bool:
        layout = self._host.layout(wanted.id)
        with explained(layout.home), alone(layout.home) as mine:
            if not mine or (net := self._net(layout)) is None:
                return False
            following.follow(self._host, layout, net, wanted)
        return True

    def identify(self, wanted: Wanted, token: str) -> str | None:
        layout = self._host.layout(wanted.id)
        with explained(layout.home):
            if (net := self._net(layout)) is None:
                return None
            return access.identify(layout, net, token)

    def _advance(self, layout: Layout, wanted: Wanted) -> None:
        """Take one step, so that a worker killed at a step leaves that one undone; never of what is being removed."""
        if layout.removing.exists():
            raise Conflict("engine.removing", name=wanted.name)
        if (facts := layout.facts()) and facts.version != wanted.version:
            raise Invalid("engine.other_version", field="version", running=facts.version, wanted=wanted.version)
        making = Making(self._host, wanted)
        steps = (making.programs, making.place, making.links, making.certificates, making.control_plane)
        if any(step() for step in steps):
            return
        if (net := self._net(layout)) is not None:
            with suppress(Unavailable):  # not answering yet is what observe() tells
                scaling.reconcile(self._host, layout, Api(layout, net), wanted)

    def _net(self, layout: Layout) -> Network | None:
        facts = layout.facts()
        return network_of(facts) if facts and layout.pki.is_dir() and not layout.removing.exists() else None


def _refusal(wanted: Wanted, needed: float, free: float) -> Said | None:
    if wanted.control_plane not in CONTROL_PLANES:
        return say("engine.control_plane", count=wanted.control_plane)
    if needed > free:
        return say("engine.no_memory", needed_gib=needed, free_gib=free)
    return None
