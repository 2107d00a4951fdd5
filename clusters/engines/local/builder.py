"""Builds the programs of one Kubernetes version from the Go modules under tools/: fetch, compile, link, verify.

What is done stays done: modules and compiled packages are in Go's caches, and a program whose manifest entry is right
is not made again. So a build may be killed at any point and started anew.
"""

import errno
import json
import os
import shutil
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from clusters.engines.local import artifacts, sums
from clusters.engines.local.artifacts import Binaries, BinariesUnusable, Component
from clusters.engines.local.gotool import Go, GoCancelled, GoFailed
from clusters.engines.local.progress import State, Teller, failed, only_builder
from pks_portal import files, paths
from pks_portal.errors import PortalError, Unavailable
from pks_portal.messages import Said, say

FETCH_SECONDS, COMPILE_SECONDS, LINK_SECONDS, VERIFY_SECONDS = 1800, 4 * 3600, 1800, 60
FETCH_ATTEMPTS = 3
_FLAGS = ("-trimpath", "-buildvcs=false")
_STALE = '{{if and .Stale (ne .Name "main")}}{{.Standard}} {{.ImportPath}}{{end}}'


def build(
    version: str, cache: Path | None, report: Callable[[State], None], cancelled: Callable[[], bool] = lambda: False
) -> Binaries:
    """Make the programs of a version, or find them made, and return them verified.

    `report` is called with each new state (about twice a second at most), `cancelled` is asked about four times a
    second. Waits while another build uses the same cache. Raises Invalid for a version that is not offered,
    Unavailable "binaries.fetch_failed" when the sources cannot be had now, and BinariesUnusable otherwise
    ("binaries.cancelled", "binaries.disk_full", "binaries.compile_failed", …).
    """
    cache = cache or paths.cache()
    wanted = artifacts.to_build(version)
    if not wanted and (found := artifacts.ready(version, cache)):
        return found
    root = cache / "bin"
    try:
        (root / version).mkdir(parents=True, exist_ok=True)
        tell = Teller(root / version / "state.json", report)

        def waits(other: str) -> None:
            report(State(version=version, phase="absent", said=say("binaries.queued", other=other or version)))

        with only_builder(root, version, waits, cancelled):
            return _Build(version, cache, tell, cancelled).run(wanted)
    except OSError as error:
        raise _no_room(cache) if error.errno == errno.ENOSPC else _unusable(error, cache) from error


class _Build:
    """One build under the lock."""

    def __init__(self, version: str, cache: Path, tell: Teller, cancelled: Callable[[], bool]) -> None:
        self.version, self.cache, self.root, self.tell = version, cache, cache / "bin", tell
        self.cancelled = cancelled

    def run(self, wanted: list[Component]) -> Binaries:
        try:
            if missing := [part for part in wanted if not self._made(part)]:
                self._make(missing, Go.find(self.cache, self.cancelled))
            if (found := artifacts.ready(self.version, self.cache)) is None:
                raise BinariesUnusable("binaries.compile_failed", version=self.version)
        except GoCancelled:
            raise self._keep(BinariesUnusable("binaries.cancelled", version=self.version)) from None
        except PortalError as error:
            raise self._keep(error) from error.__cause__
        said = say("binaries.ready", version=self.version, count=len(found.files))
        self.tell(State(version=self.version, phase="ready", part=1, said=said))
        return found

    def _keep(self, error: PortalError) -> PortalError:
        self.tell(failed(self.version, error))
        return error

    def _made(self, part: Component) -> bool:
        folder = self.root / part.folder
        entry = artifacts.manifest(folder).get(part.name)
        return (
            entry is not None and artifacts.made_by(entry, part.recipe) and artifacts.matches(folder / part.name, entry)
        )

    def _make(self, parts: list[Component], go: Go) -> None:
        for folder in {self.root / part.folder for part in parts}:
            for left in folder.glob(".*.part"):
                left.unlink()
        stale = self._fetch(parts, go)
        self._compile(stale, go)
        for number, part in enumerate(parts, 1):
            self._link(part, go, number, len(parts))
        for number, part in enumerate(parts, 1):
            self._verify(part, go, number, len(parts))

    def _say(self, phase: str, part: float, said: Said, component: str = "") -> None:
        self.tell(State(version=self.version, phase=phase, part=min(part, 1.0), said=said, component=component))

    def _fetch(self, parts: list[Component], go: Go) -> dict[Path, list[str]]:
        """Download the sources that are not here yet; return the packages that are not compiled yet, by Go module."""
        packages: dict[Path, list[str]] = defaultdict(list)
        for part in parts:
            packages[part.tools].append(part.recipe.package)
        total = sum(artifacts.modules(tools) for tools in packages)
        seen: set[str] = set()

        def watch(line: str) -> None:
            if line.startswith("go: downloading "):
                seen.add(line)
            said = say("binaries.fetch", version=self.version, done=len(seen), total=total)
            self._say("fetch", len(seen) / total, said)

        watch("")
        return {tools: self._stale(tools, names, go, watch) for tools, names in packages.items()}

    def _stale(self, tools: Path, names: list[str], go: Go, watch: Callable[[str], None]) -> list[str]:
        for attempt in range(1, FETCH_ATTEMPTS + 1):
            try:
                listed = go.run(
                    "list", "-deps", *_FLAGS, "-f", _STALE, *names, cwd=tools, seconds=FETCH_SECONDS, watch=watch
                )
                return listed.splitlines()
            except GoFailed as error:
                self._raise_if_full(error)
                if attempt == FETCH_ATTEMPTS:
                    facts = {"version": self.version, "system": "Go module proxy", "cause": str(error)}
                    raise Unavailable("binaries.fetch_failed", **facts) from error
            self._pause(2.0**attempt)
        raise AssertionError

    def _pause(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.cancelled():
                raise GoCancelled
            time.sleep(0.25)

    def _compile(self, stale: dict[Path, list[str]], go: Go) -> None:
        """Compile what Go's cache does not have; go build -v names each package when it takes it in hand."""
        names = {line.partition(" ")[2] for lines in stale.values() for line in lines}
        seen: set[str] = set()

        def watch(line: str) -> None:
            seen.update({line} & names)
            said = say("binaries.compile", version=self.version, done=len(seen), total=len(names))
            self._say("compile", len(seen) / len(names), said)

        for tools, lines in stale.items():
            own = [name for standard, _, name in (line.partition(" ") for line in lines) if standard == "false"]
            if not own:
                continue
            watch("")
            try:
                go.run("build", "-v", *_FLAGS, *own, cwd=tools, seconds=COMPILE_SECONDS, watch=watch)
            except GoFailed as error:
                self._raise_if_full(error)
                raise BinariesUnusable("binaries.compile_failed", cause=str(error), version=self.version) from error

    def _part(self, part: Component) -> Path:
        return self.root / part.folder / f".{part.name}.part"

    def _link(self, part: Component, go: Go, number: int, total: int) -> None:
        said = say("binaries.link", component=part.name, done=number, total=total)
        self._say("link", (number - 1) / total, said, part.name)
        target = ("-ldflags", part.recipe.ldflags, "-o", str(self._part(part)), part.recipe.package)
        try:
            go.run("build", *_FLAGS, *target, cwd=part.tools, seconds=LINK_SECONDS)
        except GoFailed as error:
            self._raise_if_full(error)
            raise BinariesUnusable("binaries.link_failed", cause=str(error), component=part.name) from error

    def _verify(self, part: Component, go: Go, number: int, total: int) -> None:
        """Ask a program for its version, put it in its place, and only then vouch for it in the manifest."""
        said = say("binaries.verify", component=part.name, done=number, total=total)
        self._say("verify", (number - 1) / total, said, part.name)
        made, folder = self._part(part), self.root / part.folder
        answer = _answer(made, part)
        if not (answer == part.answer or answer.startswith(f"{part.answer} ")):
            facts = {"component": part.name, "expected": part.answer}
            raise BinariesUnusable("binaries.verify_failed", cause=answer, **facts)
        with made.open("rb") as content:
            os.fsync(content.fileno())
        final = made.replace(folder / part.name)
        entry = {
            **asdict(part.recipe),
            "sha256": sums.computed(final),
            "size": final.stat().st_size,
            "go": go.version,
            "built_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        entries = {**artifacts.manifest(folder), part.name: entry}
        text = json.dumps({"format": 1, "files": entries}, indent=1, sort_keys=True)
        files.write(folder / "manifest.json", text, mode=0o644, durable=True)

    def _raise_if_full(self, error: GoFailed) -> None:
        if "no space left on device" in str(error):
            raise _no_room(self.cache, str(error)) from error


def _answer(program: Path, part: Component) -> str:
    """Return the first line that a program says about its version."""
    try:
        command, quiet = [str(program), *part.asks], {"PATH": "/usr/bin:/bin", "HOME": str(program.parent)}
        ran = subprocess.run(command, capture_output=True, text=True, timeout=VERIFY_SECONDS, check=False, env=quiet)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return (ran.stdout or ran.stderr).partition("\n")[0]


def _no_room(cache: Path, cause: str = "") -> BinariesUnusable:
    free = shutil.disk_usage(cache).free // 2**20
    return BinariesUnusable("binaries.disk_full", cause=cause, path=str(cache), free=free)


def _unusable(error: OSError, cache: Path) -> BinariesUnusable:
    return BinariesUnusable("binaries.cache_unusable", cause=str(error), path=str(error.filename or cache))
