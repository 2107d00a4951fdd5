"""What the simulated engine keeps of a cluster, and how time alone moves it on."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils.translation.trans_null import gettext_noop  # the other one needs settings

from clusters.engines.base import Wanted
from pks_portal import files
from pks_portal.messages import add

SECONDS: Mapping[str, Mapping[str, float]] = {
    "create": {"host": 0.1, "certificates": 0.15, "control-plane": 0.6, "nodes": 0.4, "ready": 0.15},
    "scale": {"nodes": 0.4, "ready": 0.1},
    "delete": {"processes": 0.2, "data": 0.1},
}
"""The steps of each change in order, with their usual seconds at pace 1."""

add(
    {
        "simulated.note": gettext_noop("Clusters of this cloud are simulated: nothing runs behind them."),
        "simulated.up": gettext_noop("The control plane is up (simulated, %(members)s members)."),
        "simulated.up.one": gettext_noop("The control plane is up (simulated, 1 member)."),
        "simulated.down": gettext_noop("The control plane is not up (simulated, %(members)s members)."),
        "simulated.down.one": gettext_noop("The control plane is not up (simulated, 1 member)."),
        "simulated.out": gettext_noop(
            "The simulated engine is out, as it was told to be (%(count)s of %(total)s times)."
        ),
        "simulated.failed": gettext_noop("The simulated engine failed at step “%(step)s”, as it was told to."),
        "simulated.budget": gettext_noop("Pods on these simulated nodes are to stay until forced: %(nodes)s."),
        "simulated.removing": gettext_noop("%(name)s is being removed."),
        "simulated.no_kubeconfig": gettext_noop("%(name)s is simulated: there is no API that a kubeconfig could open."),
        "simulated.no_kubeconfig.next": gettext_noop("Use a cluster of a cloud with a real control plane."),
        "simulated.left": gettext_noop("%(path)s is not ours and is still there."),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A simulated node; `created` in POSIX seconds, `memory_gib` in GiB."""

    name: str
    pool: str
    number: int
    vcpu: int
    memory_gib: int
    created: float = 0.0


def nodes_of(wanted: Wanted) -> list[Node]:
    """Return the nodes that a wish comes to."""
    return [
        Node(
            name=f"{wanted.name}-{pool.name}-{number}",
            pool=pool.name,
            number=number,
            vcpu=pool.vcpu,
            memory_gib=pool.memory_gib,
        )
        for pool in wanted.pools
        for number in range(1, pool.nodes + 1)
    ]


@dataclass(frozen=True, slots=True)
class Timeline:
    """How one change of one cluster goes on: seeded seconds per step, and the step that fails, if one does.

    `stays`: nothing of the change is done for now.
    """

    seed: int
    cluster_id: UUID
    change: str
    number: int
    pace: float
    fail_at: str
    stays: bool = False

    def spans(self) -> Iterator[tuple[str, float, float]]:
        """Yield each step with its beginning and length in seconds."""
        chance = random.Random(f"{self.seed}/{self.cluster_id}/{self.change}/{self.number}")  # noqa: S311
        begin = 0.0
        for step, usual in SECONDS[self.change].items():
            length = usual * self.pace * chance.uniform(0.8, 1.2)
            yield step, begin, length
            begin += length

    def shares(self, started: float, now: float) -> dict[str, float]:
        """Return the share done (0 to 1) of each step; a step that fails, and all after it, stay at 0."""
        shares, failed = {}, self.stays
        for step, begin, length in self.spans():
            failed = failed or self._fails(step)
            gone = max(0.0, now - started - begin)
            shares[step] = 0.0 if failed else 1.0 if gone >= length else gone / length
        return shares

    def over(self, started: float, now: float) -> bool:
        """Tell whether every step is done."""
        return all(share == 1 for share in self.shares(started, now).values())

    def failing(self, started: float, now: float) -> str:
        """Return the step that has been reached and fails, or ""."""
        reached = (step for step, begin, _ in self.spans() if self._fails(step) and now - started >= begin)
        return next(reached, "")

    def _fails(self, step: str) -> bool:
        return self.fail_at in {step, f"{self.change}.{step}"}


@dataclass(kw_only=True)
class Record:
    """The file of a cluster; times in POSIX seconds.

    `nodes`: those present when the change began; `target`: those wanted. `number` counts changes, `outages` the calls
    that were refused; `started` is None until the outages are over.
    """

    version: str
    control_plane: int
    target: list[Node]
    nodes: list[Node] = field(default_factory=list)
    change: str = "create"
    number: int = 0
    outages: int = 0
    started: float | None = None
    forced: bool = False
    removing: float | None = None

    @classmethod
    def of(cls, wanted: Wanted) -> "Record":
        """Return the record of a cluster that is not begun yet."""
        return cls(version=wanted.version, control_plane=wanted.control_plane, target=nodes_of(wanted))

    def wants(self, wanted: Wanted) -> bool:
        """Tell whether this is what is wanted already."""
        mine = (self.version, self.control_plane, self.target)
        return mine == (wanted.version, wanted.control_plane, nodes_of(wanted))

    def nodes_at(self, timeline: Timeline, now: float) -> list[tuple[Node, bool]]:
        """Return the nodes at a time, each with whether it is ready.

        First those that are new come one by one, then those that are too many go one by one, the last one first.
        """
        began = self.started or now
        share = timeline.shares(began, now)["nodes"]
        begin, length = next((begin, length) for step, begin, length in timeline.spans() if step == "nodes")
        have = {node.name for node in self.nodes}
        coming = [node for node in self.target if node.name not in have]
        going = self.leaving()
        moves = len(coming) + len(going)
        done = int(share * moves + 1e-9)
        reached = done + (0 < share < 1)
        new = [replace(node, created=began + begin + length * place / moves) for place, node in enumerate(coming)]
        gone = {node.name for node in going[: max(0, done - len(coming))]}
        unsteady = {node.name for node in [*new, *going][done:reached]}
        there = [node for node in self.nodes if node.name not in gone] + new[:reached]
        return [(node, node.name not in unsteady) for node in there]

    def leaving(self) -> list[Node]:
        """Return the nodes that the change takes away, the last one first."""
        want = {node.name for node in self.target}
        return sorted((node for node in self.nodes if node.name not in want), key=lambda node: -node.number)

    def present(self, timeline: Timeline, now: float) -> list[Node]:
        """Return the nodes that are there at a time, ready or not."""
        return [node for node, _ in self.nodes_at(timeline, now)] if self.started is not None else []


def read(file: Path) -> Record | None:
    """Return a cluster's record, or None when there is none."""
    try:
        kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    kept |= {name: [Node(**node) for node in kept[name]] for name in ("target", "nodes")}
    return Record(**kept)


def write(file: Path, record: Record) -> None:
    """Write a record so that readers see either the old one or the new one.

    Raises FileNotFoundError where the cluster has no directory (any more): a late write must not make it anew.
    """
    files.write(file, json.dumps(asdict(record)))


def delete(file: Path) -> list[Path]:
    """Remove a cluster's record and directory; return what is still there because it is not ours."""
    for ours in (file, *file.parent.glob(f".{file.name}.*.new")):
        ours.unlink(missing_ok=True)
    if not file.parent.is_dir():
        return []
    if left := list(file.parent.iterdir()):
        return left
    file.parent.rmdir()
    return []
