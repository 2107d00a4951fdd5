"""Clusters that are only a file and a clock: for scale tests and demonstrations, and always called simulated.

Each cluster is `<root>/clusters/<id>/simulated.json`: what is wanted and when the last change began. How far it is
follows from that and the time, so that any process may go on after any other. The seed varies the pace per step.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from clusters.engines import simulated_record as records
from clusters.engines.base import (
    Capabilities,
    Condition,
    Credential,
    Engine,
    NodeSeen,
    Observed,
    Obstacle,
    Preview,
    Removal,
    StepSpec,
    Wanted,
)
from clusters.engines.simulated_record import SECONDS, Node, Record, Timeline
from pks_portal.errors import Conflict, PortalError, Unavailable
from pks_portal.messages import say


class SimulatedEngine(Engine):
    """An engine with nothing behind it.

    `root`: the data directory. `pace`: 1.0 makes a cluster in about 1.4 seconds, 10 takes ten times as long. `fail_at`:
    a step ("nodes") or a change and a step ("scale.nodes") at which every call fails. `outages`: how many calls of
    apply() for a new cluster fail with Unavailable before it begins. `budget`: nodes go only if that is forced, as
    though a PodDisruptionBudget kept their pods.
    """

    kind = "simulated"

    def __init__(
        self, *, root: Path, seed: int = 1, pace: float = 1.0, fail_at: str = "", outages: int = 0, budget: bool = False
    ) -> None:
        self.clusters = root / "clusters"
        self.seed, self.pace, self.fail_at, self.outages, self.budget = seed, pace, fail_at, outages, budget

    def capabilities(self) -> Capabilities:
        return Capabilities(
            simulated_control_plane=True,
            simulated_nodes=True,
            control_planes=(1, 3),
            credentials=False,
            notes=(say("simulated.note"),),
        )

    def steps(self, change: str) -> Sequence[StepSpec]:
        return [StepSpec(name, weight=round(seconds * 100)) for name, seconds in SECONDS[change].items()]

    def preview(self, current: Wanted | None, wanted: Wanted) -> Preview:
        before = [node.name for node in records.nodes_of(current)] if current else []
        after = [node.name for node in records.nodes_of(wanted)]
        return Preview(
            steps=self.steps("scale" if current else "create"),
            nodes_added=[name for name in after if name not in before],
            nodes_removed=[name for name in before if name not in after],
        )

    def begin(self, wanted: Wanted) -> None:
        self._file(wanted.id).parent.mkdir(parents=True, exist_ok=True)

    def apply(self, wanted: Wanted) -> None:
        with suppress(FileNotFoundError):  # never begun, or removed while this call was under way
            self._advance(wanted)

    def _advance(self, wanted: Wanted) -> None:
        record = records.read(self._file(wanted.id)) or Record.of(wanted)
        if record.removing is not None:
            raise Conflict("simulated.removing", name=wanted.name)
        if record.started is None:
            self._start(wanted, record)
        elif not record.wants(wanted):
            self._change(wanted, record)
        elif wanted.force and self._kept(record):
            record.forced, record.started = True, time.time()
            records.write(self._file(wanted.id), record)
        timeline = self._timeline(wanted.id, record)
        if failing := timeline.failing(record.started or 0, time.time()):
            raise PortalError("simulated.failed", step=failing, system=self.kind)

    def _start(self, wanted: Wanted, record: Record) -> None:
        """Start a new cluster's clock, or count one more of the outages that come before."""
        out = record.outages < self.outages
        if out:
            record.outages += 1
        else:
            record.started = time.time()
        records.write(self._file(wanted.id), record)
        if out:
            raise Unavailable("simulated.out", count=record.outages, total=self.outages, system=self.kind)

    def _change(self, wanted: Wanted, record: Record) -> None:
        """Let another wish take over from the nodes that are there now; a create that is under way stays a create."""
        now, timeline = time.time(), self._timeline(wanted.id, record)
        changed = Record.of(wanted)
        changed.nodes = record.present(timeline, now)
        changed.change, changed.number, changed.started = record.change, record.number, record.started
        if record.change == "scale" or timeline.over(record.started or now, now):
            changed.change, changed.number, changed.started = "scale", record.number + 1, now
        records.write(self._file(wanted.id), changed)

    def observe(self, wanted: Wanted) -> Observed:
        record = records.read(self._file(wanted.id))
        if record is None or record.started is None:
            return Observed(exists=record is not None)
        now, timeline = time.time(), self._timeline(wanted.id, record)
        shares = timeline.shares(record.started, now)
        up = record.removing is None and (record.change != "create" or shares["control-plane"] == 1)
        said = say("simulated.up" if up else "simulated.down", members=record.control_plane)
        return Observed(
            exists=True,
            settled=record.removing is None and record.wants(wanted) and timeline.over(record.started, now),
            steps=shares,
            blocked=_obstacle(kept) if (kept := self._kept(record)) else None,
            nodes=[_seen(node, record, ready=ready) for node, ready in record.nodes_at(timeline, now)],
            conditions=(Condition(name="control-plane", ok=up, said=said),),
            version=record.version if up else "",
            healthy=up,
        )

    def remove(self, cluster_id: UUID) -> Removal:
        file, now = self._file(cluster_id), time.time()
        if (record := records.read(file)) is not None:
            if record.removing is None:
                record.removing = now
                records.write(file, record)
            timeline = Timeline(self.seed, cluster_id, "delete", record.number, self.pace, self.fail_at)
            if failing := timeline.failing(record.removing, now):
                raise PortalError("simulated.failed", step=failing, system=self.kind)
            if not timeline.over(record.removing, now):
                return Removal(done=False, steps=timeline.shares(record.removing, now))
        left = records.delete(file)
        done = dict.fromkeys(SECONDS["delete"], 1.0)
        return Removal(done=not left, steps=done, left=[say("simulated.left", path=str(path)) for path in left])

    def credentials(self, wanted: Wanted, *, holder: str, level: str, ttl: timedelta, name: str = "") -> Credential:
        raise Conflict("simulated.no_kubeconfig", name=wanted.name)

    def revoke(self, cluster_id: UUID, name: str) -> None:
        """Do nothing: no credential was ever issued."""

    def _file(self, cluster_id: UUID) -> Path:
        return self.clusters / str(cluster_id) / "simulated.json"

    def _timeline(self, cluster_id: UUID, record: Record) -> Timeline:
        pace, stays = self.pace, bool(self._kept(record))
        return Timeline(self.seed, cluster_id, record.change, record.number, pace, self.fail_at, stays)

    def _kept(self, record: Record) -> list[str]:
        """Return the nodes that do not go before that is forced."""
        return [] if record.forced or not self.budget else [node.name for node in record.leaving()]


def _obstacle(kept: Sequence[str]) -> Obstacle:
    return Obstacle(said=say("simulated.budget", nodes=", ".join(kept)), names=["simulated"])


def _seen(node: Node, record: Record, *, ready: bool) -> NodeSeen:
    return NodeSeen(
        name=node.name,
        pool=node.pool,
        ready=ready,
        schedulable=ready,
        version=record.version,
        simulated=True,
        created=datetime.fromtimestamp(node.created, UTC),
        vcpu=node.vcpu,
        memory_gib=node.memory_gib,
    )
