"""Drive an engine as workers do: each call by a new engine object, until a condition holds or a deadline passes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

from clusters.engines.base import Engine, Observed, Pool, Removal, Wanted

PATIENCE = 90.0


def wish(nodes: int = 3, *, cluster_id: UUID | None = None, name: str = "pay-dev") -> Wanted:
    """Return a wanted cluster with one pool."""
    pool = Pool(name="default", nodes=nodes, vcpu=2, memory_gib=4)
    return Wanted(
        id=cluster_id or uuid4(),
        name=name,
        namespace="t-1",
        cloud="local",
        version="1.37.2",
        control_plane=1,
        pools=(pool,),
    )


def eventually(condition: Callable[[], bool], what: str, *, patience: float = PATIENCE) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"not within {patience} s: {what}"
        time.sleep(0.05)


@dataclass(frozen=True)
class Rig:
    """An engine kind under test; `make` gives a new object each time, as another worker would have."""

    kind: str
    make: Callable[[], Engine]

    def until_settled(self, wanted: Wanted) -> Observed:
        """Apply and observe until settled; return what was seen last."""
        seen = [self.step(wanted)]
        eventually(lambda: seen[-1].settled or bool(seen.append(self.step(wanted))), f"settled: {seen[-1]}")
        return seen[-1]

    def step(self, wanted: Wanted) -> Observed:
        self.make().apply(wanted)
        return self.make().observe(wanted)

    def until_removed(self, cluster_id: UUID) -> Removal:
        seen = [self.make().remove(cluster_id)]
        eventually(lambda: seen[-1].done or bool(seen.append(self.make().remove(cluster_id))), f"removed: {seen[-1]}")
        return seen[-1]
