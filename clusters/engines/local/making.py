"""Making a cluster: claim a place on the host, make its certificates, start its control plane."""

import json
import os
import shutil
import time
from pathlib import Path

from clusters.engines.base import Wanted
from clusters.engines.local import binaries, capacity, door, network, pki, programs, revival, trust
from clusters.engines.local.door import Probe
from clusters.engines.local.host import Host, disk_full
from clusters.engines.local.layout import Facts, Layout, make_directory
from clusters.engines.local.network import network_of
from pks_portal.errors import Conflict, PortalError
from pks_portal.files import write

KWOK_STAGES = Path(__file__).parent / "data" / "kwok.yaml"
PATIENCE = 0.4  # seconds that one step may spend on waiting
LOOK_EVERY = 0.02
IDLE = {"EXITED", "FATAL", "STOPPED", "UNKNOWN"}


class Making:
    """The steps of making one cluster; each returns True when it was the one at work, False when it was done before."""

    def __init__(self, host: Host, wanted: Wanted) -> None:
        self._host, self._wanted = host, wanted
        self._layout = host.layout(wanted.id)

    def programs(self) -> bool:
        """Wait for the programs of the version."""
        return not self._linked() and binaries.ready(self._wanted.version, self._host.cache) is None

    def place(self) -> bool:
        """Claim addresses and a user on this host. Raises PortalError when it has no memory, disk or address left."""
        if self._layout.facts():
            return False
        # One cluster after the other is let in: two that saw the same free memory would both take it.
        if (slot := self._host.claims.take(self._layout.home, network.usable, self._check_capacity)) is None:
            raise PortalError("engine.port_taken", system="host", address="127.0.0.0/8", port=network.API)
        self._layout.settle(
            Facts(
                id=str(self._wanted.id),
                name=self._wanted.name,
                version=self._wanted.version,
                members=self._wanted.control_plane,
                slot=slot,
                isolated=network.isolation(),
                owner=network.owner_of(slot),
                hostname=self._wanted.hostname,
            )
        )
        return True

    def links(self) -> bool:
        """Link the programs into the cluster's directory."""
        if self._linked():
            return False
        if (found := binaries.ready(self._wanted.version, self._host.cache)) is None:
            return True
        for component in programs.COMPONENTS:
            self._link(found.path(component), self._layout.bin / component)
        return True

    def certificates(self) -> bool:
        """Make all keys and certificates."""
        if self._layout.pki.is_dir():
            return False
        trust.keep(self._layout, self._wanted.trust)
        facts = self._facts()
        pki.make(self._layout, facts, network_of(facts))
        return True

    def control_plane(self) -> bool:
        """Start the processes, and again what has been given up, until the API answers anything at all."""
        if not revival.ensure(self._host):
            return True
        found = door.probes(self._layout) or []
        if not found or not all(probe.ok for probe in found):
            self._start()
            found = self._await_answer()
        return not door.answering(found)

    def _await_answer(self) -> list[Probe]:
        """Look again and again for a moment: a look is cheap, a turn of the worker is not while all start."""
        deadline = time.monotonic() + PATIENCE
        while not door.answering(found := door.probes(self._layout) or []) and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY)
        return found

    def _start(self) -> None:
        supervisor, facts = self._host.supervisor, self._facts()
        states = supervisor.states(f"{self._layout.id}-")
        groups = [group for group in programs.groups_of(self._layout, facts.members) if not group.endswith("-nodes")]
        if absent := [group for group in groups if not any(name.startswith(f"{group}:") for name in states)]:
            prepare(self._host, self._layout, facts)
            supervisor.add(absent)
        for name, state in states.items():
            if state in IDLE:
                supervisor.start(name)

    def _facts(self) -> Facts:
        if (facts := self._layout.facts()) is None:
            raise Conflict("engine.not_made", name=self._wanted.name)
        return facts

    def _linked(self) -> bool:
        return all((self._layout.bin / component).exists() for component in programs.COMPONENTS)

    def _link(self, source: Path, target: Path) -> None:
        """A hard link needs no room and no way through the cache's directories; elsewhere one copy serves all."""
        if target.exists():
            return
        try:
            os.link(source, target)
        except OSError:  # another file system, or the programs are not ours
            shared = self._host.root / "bin" / self._wanted.version / source.name
            if not shared.exists():
                make_directory(shared.parent, mode=0o711)
                _copy(source, shared)
            os.link(shared, target)

    def _check_capacity(self) -> None:
        needed, free = capacity.memory_needed(self._wanted), self._host.memory_free(besides=self._layout)
        if needed > free:
            raise Conflict("engine.no_memory", needed_gib=needed, free_gib=free)
        if capacity.disk_free(self._host.root) < capacity.DISK_MIB:
            raise disk_full(self._host.root)


def _copy(source: Path, target: Path) -> None:
    """Copy a program whole or not at all."""
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        shutil.copyfile(source, unfinished)
        unfinished.chmod(0o755)
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)


def prepare(host: Host, layout: Layout, facts: Facts) -> None:
    """Write what the processes need to start, and make their network; all of it follows from the facts on disk."""
    if not host.claims.keep(layout.home, facts.slot):
        raise Conflict("engine.place_taken", name=facts.name, address=network_of(facts).door)
    net = network_of(facts)
    net.make(facts.members)
    door.configure(layout, facts, net)
    write(layout.home / "authentication.json", json.dumps(trust.authentication(trust.kept(layout))), mode=0o644)
    write(layout.home / "kwok.yaml", KWOK_STAGES.read_bytes(), mode=0o644)
    host.supervisor.configure(str(layout.id), programs.programs_of(layout, facts, net))
