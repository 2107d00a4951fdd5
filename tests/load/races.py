"""The four races of creating a cluster: who runs against whom, and how much longer we may take."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pks_portal.paths import cache
from tests.load import kwokctl, raw
from tests.load.alike import Alike
from tests.load.figures import Result, median_row, ratio_row
from tests.load.portal import Asker
from tests.load.race import Contestant, Sample, race, seconds
from tests.real.running import Portal, until

POOL_SECONDS = 1.0
GOAL_LINE = "`/readyz` 200, 3 nodes Ready, ServiceAccount `default` there"
ALL_AT_ONCE = (
    "The other programs start beside the API server and share two cores with it; one after the other would make "
    "this row better and the cluster later."
)
RUNNING = (
    "POST sent → task succeeded, seen in the database; then the goal line "
    f"({GOAL_LINE}) must hold at once, or its time counts"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """A line of the bench that is a ratio: `ours` and `peer` are contestants, `goal` the most that the ratio may be."""

    title: str
    ours: str
    peer: str
    goal: float
    method: str
    remedy: str


RACES = {
    "create": Race(
        title="Create, as shipped",
        ours="portal",
        peer="kwokctl",
        goal=1.10,
        method=f"{RUNNING}. Peer: `kwokctl create cluster --wait 60s` and `scale node` with the same programs, "
        "to the same goal line.",
        remedy="See the steps in the raw runs. The floor is the line “Our own share”; what is above it is ours.",
    ),
    "alike": Race(
        title="Create, same flags as kwokctl",
        ours="alike",
        peer="kwokctl",
        goal=1.0,
        method="The local engine alone with kwokctl's command lines (plain-HTTP etcd, one administrator, no service "
        "account credentials), which the product does not offer: it tells what the safer ones of the line above cost. "
        "Leader election alone stays off, because all programs start at once.",
        remedy="What is left is the engine's own: namespace, supervisor, door, and how often it looks.",
    ),
    "share": Race(
        title="Our own share",
        ours="portal",
        peer="raw",
        goal=1.15,
        method="First row: POST sent → `/readyz` 200 at the cluster's own door, while everything else of it starts "
        f"beside. Second row: {RUNNING}. Peer of both: etcd and kube-apiserver with our own flags and keys made "
        "before, started by hand, to `/readyz` 200.",
        remedy="Between `/readyz` and running Kubernetes itself makes the default service account and unlocks the "
        "nodes: only fewer controllers or a warm pool would take that away.",
    ),
    "pool": Race(
        title="Create from the warm pool",
        ours="pooled",
        peer="kwokctl",
        goal=0.2,
        method=f"{RUNNING}, with `PKS_WARM_POOL=1` and a spare ready before each run.",
        remedy="See the steps in the raw runs: only the nodes and our own bookkeeping are left.",
    ),
}


class Field:
    """The contestants, made once; `close` leaves nothing."""

    def __init__(self, portal: Portal, scratch: Path, version: str) -> None:
        self._portal, self._asker = portal, Asker(portal)
        self._alike = Alike(scratch, cache(), version)
        programs = cache() / "bin"
        self._all: dict[str, Contestant] = {
            "portal": self._asker.create,
            "pooled": self._pooled,
            "alike": self._alike.run,
            "kwokctl": lambda: kwokctl.run(scratch, programs, version),
            "raw": lambda: raw.run(scratch, programs, version),
        }

    def run(self, names: Iterable[str], pairs: int) -> list[Result]:
        """Run these races in the same rounds, so that a contestant of two of them runs once."""
        chosen = {name: RACES[name] for name in names}
        needed = {who for one in chosen.values() for who in (one.ours, one.peer)}
        rounds = race({who: run for who, run in self._all.items() if who in needed}, pairs)
        return [_result(name, one, rounds) for name, one in chosen.items()]

    def close(self) -> None:
        self._alike.end()

    def _pooled(self) -> Sample:
        """Let nobody run beside the refilling: a spare is ready before and after."""
        self._spare()
        sample = self._asker.create()
        self._spare()
        return sample

    def _spare(self) -> None:
        until(lambda: self._portal.query("SELECT 1 FROM clusters_spare WHERE ready"), 180, 0.1, "a spare is ready")


def _result(name: str, one: Race, rounds: list[dict[str, Sample]]) -> Result:
    ours, peer = seconds(rounds, one.ours), seconds(rounds, one.peer)
    rows = [ratio_row(f"{one.ours} ÷ {one.peer}", one.goal, ours, peer, remedy=one.remedy)]
    if name == "share":
        answering = seconds(rounds, one.ours, "readyz")
        rows.insert(0, ratio_row(f"{one.ours} to /readyz ÷ {one.peer}", one.goal, answering, peer, remedy=ALL_AT_ONCE))
    if name == "pool":
        rows.append(median_row("POST to running", "s", POOL_SECONDS, ours, remedy=one.remedy))
    runs = [{who: samples[who] for who in (one.ours, one.peer)} for samples in rounds]
    return Result(name=name, title=one.title, method=one.method, rows=rows, runs=runs)
