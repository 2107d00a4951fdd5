"""How far a build of programs is: told by the builder, kept in a file, read by every other process."""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clusters.engines.local import artifacts, sums
from clusters.engines.local.artifacts import BinariesUnusable
from pks_portal import files, paths
from pks_portal.errors import PortalError
from pks_portal.messages import Said, say

PHASES: Mapping[str, int] = {"fetch": 8, "compile": 72, "link": 16, "verify": 4}
"""The steps of a build in order, with their usual share of its time in percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where the programs of one version are.

    `phase`: absent, fetch, compile, link, verify, ready or failed; `part`: share (0 to 1) of that phase; `component`:
    the program at work, if one is; `cause`: what the failing program said.
    """

    version: str
    phase: str
    said: Said
    part: float = 0.0
    component: str = ""
    cause: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def steps(self) -> dict[str, float]:
        """Return the share done (0 to 1) of each phase in PHASES."""
        if self.phase not in PHASES:
            return dict.fromkeys(PHASES, float(self.phase == "ready"))
        now = list(PHASES).index(self.phase)
        return {name: 1.0 if place < now else self.part * (place == now) for place, name in enumerate(PHASES)}

    @property
    def share(self) -> float:
        """Return the share done (0 to 1) of the whole build."""
        return sum(PHASES[name] * share for name, share in self.steps.items()) / 100

    @property
    def building(self) -> bool:
        return self.phase in PHASES

    def as_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "version": self.version,
            "phase": self.phase,
            "share": round(self.share, 4),
            "part": self.part,
            "component": self.component,
            "cause": self.cause,
            "said": {"key": self.said.key, "args": dict(self.said.args)},
            "at": self.at.isoformat(),
        }


def state(version: str, cache: Path | None = None) -> State:
    """Return where the programs of a version are; never raises for what is wrong with them, but says so.

    It reads no program, so that a page may ask: what nobody has checked since it changed is absent until a task has.
    A state that a builder left behind when it died is told from a living one by the builder's lock.
    """
    root = (cache or paths.cache()) / "bin"
    busy, last = builder(root), _last(root, version)
    if last and last.building and busy == version:
        return last
    try:
        found = artifacts.known(version, cache)
    except sums.Unknown:
        return State(version=version, phase="absent", said=say("binaries.unchecked", version=version))
    except PortalError as error:
        return failed(version, error)
    if found:
        said = say("binaries.ready", version=version, count=len(found.files))
        return State(version=version, phase="ready", part=1, said=said)
    if last and last.phase == "failed":
        return last
    return State(version=version, phase="absent", said=_why_absent(version, busy, last))


def checked(version: str, cache: Path | None = None) -> State:
    """Return what `state` does, after checking what nobody has: seconds once for new programs, then nothing."""
    now = state(version, cache)
    if now.said.key == "binaries.unchecked":
        with contextlib.suppress(PortalError):
            artifacts.ready(version, cache)
        now = state(version, cache)
    return now


def _why_absent(version: str, busy: str, last: State | None) -> Said:
    if busy and busy != version:
        return say("binaries.behind", version=version, other=busy)
    return say("binaries.interrupted" if last and last.building else "binaries.absent", version=version)


def failed(version: str, error: PortalError) -> State:
    """Return the state that an error leaves."""
    return State(version=version, phase="failed", said=Said(error.key, error.facts), cause=error.cause)


def _last(root: Path, version: str) -> State | None:
    """Return what the last builder of a version told, or None."""
    try:
        kept = json.loads((root / version / "state.json").read_text(encoding="utf-8"))
        said = Said(kept["said"]["key"], kept["said"]["args"])
        known = {name: kept[name] for name in ("phase", "part", "component", "cause")}
        return State(version=version, said=said, at=datetime.fromisoformat(kept["at"]), **known)
    except (OSError, ValueError, KeyError, TypeError):
        return None


class Teller:
    """Tells a build's states to the caller, and to other processes through state.json; not more often than of use."""

    def __init__(self, file: Path, report: Callable[[State], None], *, every: float = 0.5) -> None:
        self.file, self.report, self.every = file, report, every
        self.told_at, self.told = 0.0, ("", "")

    def __call__(self, now: State) -> None:
        what = (now.phase, now.component)
        if what == self.told and time.monotonic() - self.told_at < self.every:
            return
        self.told, self.told_at = what, time.monotonic()
        files.write(self.file, json.dumps(now.as_json(), indent=1), mode=0o644)
        self.report(now)


def builder(root: Path) -> str:
    """Return the version that is being built in a bin directory right now, or "" when no builder lives."""
    try:
        with (root / "build.lock").open("rb") as lock:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return ""
            return str(json.loads(lock.read() or b"{}").get("version", ""))
    except (FileNotFoundError, ValueError):
        return ""


@contextlib.contextmanager
def only_builder(
    root: Path, version: str, waits: Callable[[str], None], cancelled: Callable[[], bool]
) -> Iterator[None]:
    """Hold the one lock of a bin directory; `waits` is called with the version that another builder is at.

    The kernel frees the lock when its holder dies. Raises BinariesUnusable "binaries.cancelled" while waiting.
    """
    with (root / "build.lock").open("a+b") as lock:
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if cancelled():
                raise BinariesUnusable("binaries.cancelled", version=version)
            waits(builder(root))
            time.sleep(0.25)
        lock.truncate(0)
        lock.write(json.dumps({"version": version, "pid": os.getpid()}).encode())
        lock.flush()
        yield
