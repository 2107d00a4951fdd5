"""Drive an engine as workers do: each call by a new engine object, until a condition holds or a deadline passes."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID, uuid4

from clusters.engines.base import Engine, Observed, Pool, Removal, Wanted

PATIENCE = 90.0
Seen = TypeVar("Seen")

VERSION = os.environ.get("PKS_TEST_KUBERNETES", "1.37.2")


def wish(nodes: int = 3, *, cluster_id: UUID | None = None, name: str = "pay-dev") -> Wanted:
    """Return a wanted cluster with one pool."""
    pool = Pool(name="default", nodes=nodes, vcpu=2, memory_gib=4)
    return Wanted(
        id=cluster_id or uuid4(),
        name=name,
        namespace="t-1",
        cloud="local",
        version=VERSION,
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
        """Begin, then apply and observe until settled; return what was seen last."""
        self.make().begin(wanted)
        return last(lambda: self.step(wanted), lambda seen: seen.settled)

    def step(self, wanted: Wanted) -> Observed:
        self.make().apply(wanted)
        return self.make().observe(wanted)

    def until_removed(self, cluster_id: UUID) -> Removal:
        return last(lambda: self.make().remove(cluster_id), lambda seen: seen.done)


def last(step: Callable[[], Seen], enough: Callable[[Seen], bool]) -> Seen:
    """Take steps until what is seen is enough; return it."""
    deadline = time.monotonic() + PATIENCE
    while not enough(seen := step()):
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {seen}"
        time.sleep(0.05)
    return seen
