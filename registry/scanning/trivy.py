"""trivy as scanner: what an image consists of, and what its database says about that.

It runs as nobody, without capabilities, with no proxy and no address but the registry's; when it judges, where the
portal is root, without any network at all. It never fetches a database: an administrator uploads one.
"""

import json
import os
import queue
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

from django.conf import settings
from django.utils import timezone

from pks_portal.errors import Unavailable
from registry.scanning import binary, coverage, databases, jars, osv, place, sbom
from registry.scanning.binary import Unusable
from registry.scanning.port import Database, Found, Judgement, Log, Package
from registry.severity import Severity

NAME: Final = "trivy"
QUIET: Final = ("--no-progress", "--offline-scan", "--skip-version-check", "--disable-telemetry")
NO_FETCH: Final = ("--skip-db-update", "--skip-java-db-update", "--skip-vex-repo-update")
LEVEL: Final = re.compile(r"\S+\t(INFO|WARN|ERROR|FATAL)\t|  - ")
"""What of --debug's lines is for people: neither the details nor the traces."""
LOOKS_EVERY: Final = 0.5
"""Seconds after which a silent run is asked whether it is still wanted."""
LONGEST_TEXT: Final = 8000
MOST_LINKS: Final = 20


@dataclass(frozen=True, slots=True)
class Image:
    """An image to look into, on the registry's own address. `token`: what the registry takes for a pull of it."""

    registry: str
    repository: str
    digest: str
    token: str


class Halted(Exception):
    """A run was ended before its end, as was asked."""


Stop = Callable[[], bool]


def never() -> bool:
    """Say that nobody asked to stop."""
    return False


class Trivy:
    """The adapter. `stopped`: asked now and then while it works; once it says yes, the work is ended (Halted)."""

    name = NAME

    def __init__(self, stopped: Stop = never) -> None:
        self.stopped = stopped

    def database(self, now: datetime) -> Database:
        """Return the state of trivy's database on this host."""
        return databases.trivy(now)

    def sbom(self, image: Image, log: Log) -> str:
        """Return the CycloneDX document of an image. Raises Unusable, Unavailable."""
        target = f"{image.registry}/{image.repository}@{image.digest}"
        arguments = (
            "image", "--image-src", "remote", "--insecure", "--scanners", "license", "--format", "cyclonedx",
            "--skip-java-db-update", "--debug",
        )  # fmt: skip
        lines: list[str] = []

        def heard(line: str) -> None:
            lines.append(line)
            if LEVEL.match(line):
                log(line)

        secret = {"TRIVY_REGISTRY_TOKEN": image.token}
        document = _run((*arguments, target), heard, _Run(secret=secret, reads=True, stopped=self.stopped))
        return jars.with_strangers(document, lines)

    def spdx(self, cyclonedx: str, log: Log) -> str:
        """Return an SBOM as SPDX 2.3. Raises Unusable, Unavailable."""
        return _run(("sbom", "--format", "spdx-json"), log, _Run(stdin=cyclonedx, alone=True, stopped=self.stopped))

    def judge(self, cyclonedx: str, packages: Sequence[Package], log: Log) -> Judgement:
        """Judge an SBOM by the database on this host. Raises Unusable (no or a broken database), Unavailable."""
        state = self.database(timezone.now())
        databases.require(state)
        arguments = ("sbom", "--scanners", "vuln", "--format", "json", *NO_FETCH)
        said = _run(arguments, log, _Run(stdin=cyclonedx, alone=True, database=place.trivy(), stopped=self.stopped))
        found = [one for result in _results(said) for one in result]
        missing = coverage.of_trivy(packages, databases.trivy_buckets())
        unread = coverage.unread(packages, databases.trivy_names)
        return Judgement(
            scanner=NAME, version=binary.version(), database=state, found=found, not_assessed=(*missing, *unread)
        )


@dataclass(frozen=True, slots=True)
class _Run:
    """How to run: `stdin` is given as a file; `alone`: without network; `database`: the directory with db/.

    `reads`: an image, so it needs to know jars.
    """

    secret: dict[str, str] | None = None
    stdin: str = ""
    alone: bool = False
    database: Path | None = None
    reads: bool = False
    stopped: Stop = never


def _run(arguments: Sequence[str], log: Log, how: _Run) -> str:
    """Run trivy and return what it writes; everything it may touch it is handed open.

    So the data directory may lie where nobody else can go: a path through /proc/self/fd asks no directory on the way.
    """
    with place.run() as home, ExitStack() as held:
        program, within = _handed(held, binary.path()), _handed(held, home)
        fds = [program, within]
        if how.database is not None:
            fds.append(_handed(held, how.database / "db"))
            (home / "db").symlink_to(f"/proc/self/fd/{fds[-1]}")
        here = f"/proc/self/fd/{within}"
        kept = held.enter_context(jars.none_known()) if how.reads else here
        command = [
            *_unprivileged(alone=how.alone), f"/proc/self/fd/{program}", arguments[0], *QUIET, "--cache-dir", str(kept),
            "--output", f"{here}/out.json", *arguments[1:],
        ]  # fmt: skip
        if how.stdin:
            place.put(home / "sbom.json", how.stdin)
            command.append(f"{here}/sbom.json")
        environment = {"PATH": "/usr/bin:/bin", "HOME": here, "TMPDIR": here, **(how.secret or {})}
        _finish(command, environment, fds, _Scrubbed(log, tuple((how.secret or {}).values())), how.stopped)
        try:
            return place.taken(home / "out.json")
        except (OSError, ValueError) as error:
            raise Unusable("error.scan_failed", system=NAME, code=0, cause=f"its answer: {error}"[:200]) from None


@dataclass(frozen=True, slots=True)
class _Scrubbed:
    """A log that takes secrets out of what is told it."""

    log: Log
    secrets: tuple[str, ...]

    def clean(self, line: str) -> str:
        for secret in filter(None, self.secrets):
            line = line.replace(secret, "***")
        return line

    def __call__(self, line: str) -> None:
        self.log(self.clean(line)[:500])


def _handed(held: ExitStack, path: Path) -> int:
    """Return a file or directory, open for a program to be handed; closed with `held`."""
    descriptor = os.open(path, os.O_PATH)
    held.callback(os.close, descriptor)
    return descriptor


def _finish(command: list[str], environment: dict[str, str], fds: list[int], log: _Scrubbed, stopped: Stop) -> None:
    """Run a command to its end, telling each line as it comes. Raises Halted, Unavailable (too slow), Unusable."""
    lines: list[str] = []
    process = subprocess.Popen(
        command, env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", pass_fds=fds,
    )  # fmt: skip
    with process:
        try:
            for line in _until_end(process, stopped):
                lines.append(line)
                log(line)
        finally:
            process.kill()
    if process.returncode:
        why = [line for line in lines if line.startswith("  - ")] or lines  # with --debug, reasons between their traces
        raise Unusable("error.scan_failed", system=NAME, code=process.returncode, cause=log.clean("\n".join(why[-5:])))


def _until_end(process: "subprocess.Popen[str]", stopped: Stop) -> Iterator[str]:
    """Yield what a process writes until it closes its output. Raises Halted, Unavailable."""
    said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(process.stdout, said), daemon=True).start()
    deadline = time.monotonic() + settings.SCAN_SECONDS
    while True:
        try:
            line = said.get(timeout=LOOKS_EVERY)
        except queue.Empty:
            line = ""
        if line is None:
            process.wait()
            return
        if line:
            yield line
        elif stopped():
            raise Halted
        if time.monotonic() > deadline:
            raise Unavailable("error.scan_slow", system=NAME, seconds=settings.SCAN_SECONDS)


def _read(output: IO[str], into: "queue.SimpleQueue[str | None]") -> None:
    with suppress(ValueError, OSError):  # it was killed, and its output closed
        for line in output:
            if line.strip():
                into.put(line.rstrip("\n"))
    into.put(None)


def _unprivileged(*, alone: bool) -> list[str]:
    """Return what to put before a command: nobody, no capabilities, and where wanted no network; it dies with us."""
    if os.geteuid() != 0:
        return ["setpriv", "--pdeathsig=KILL", "--no-new-privs"]
    nobody = [f"--reuid={place.NOBODY}", f"--regid={place.NOBODY}", "--clear-groups", "--no-new-privs"]
    drop = ["setpriv", "--pdeathsig=KILL", *nobody, "--inh-caps=-all", "--bounding-set=-all"]
    return ["unshare", "--net", *drop] if alone else drop


def _results(said: str) -> list[list[Found]]:
    """Return what trivy's report has found (its JSON format, schema version 2). Raises Unusable."""
    try:
        report = json.loads(said)
        return [[_found(one, result) for one in result.get("Vulnerabilities") or []] for result in report["Results"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if '"Results"' not in said and '"SchemaVersion"' in said:
            return []  # nothing in it that could be vulnerable
        raise Unusable("error.scan_failed", system=NAME, code=0, cause=f"{type(error).__name__}: {error}") from None


def _found(said: dict[str, Any], result: dict[str, Any]) -> Found:
    score, vector = _cvss(said.get("CVSS") or {}, str(said.get("SeveritySource") or ""))
    return Found(
        id=str(said["VulnerabilityID"])[:60],
        package=(sbom.name_in(str((said.get("PkgIdentifier") or {}).get("PURL") or "")) or str(said["PkgName"]))[:200],
        version=str(said["InstalledVersion"])[:120],
        fixed_in=str(said.get("FixedVersion") or "")[:200],
        severity=Severity.read(str(said.get("Severity") or "")),
        score=score,
        vector=vector,
        status=str(said.get("Status") or "")[:30],
        title=str(said.get("Title") or "")[:500],
        description=str(said.get("Description") or "")[:LONGEST_TEXT],
        links=tuple(str(one) for one in (said.get("References") or [])[:MOST_LINKS]),
        cwe_ids=tuple(str(one) for one in said.get("CweIDs") or []),
        source=str((said.get("DataSource") or {}).get("Name") or "")[:80],
        ecosystem=str(result.get("Type") or "")[:40],
    )


def _cvss(said: dict[str, Any], preferred: str) -> tuple[float | None, str]:
    """Return the base score and vector of the source that gave the severity, else of NVD, else of any."""
    order = [preferred, "nvd", "ghsa", *said]
    for name in order:
        one = said.get(name) or {}
        for score, vector in (("V40Score", "V40Vector"), ("V3Score", "V3Vector")):
            if one.get(score):
                return float(one[score]), str(one.get(vector) or "")[:200]
            if said_by := osv.scored("CVSS_V3" if score == "V3Score" else "CVSS_V4", str(one.get(vector) or "")):
                return said_by[1], said_by[2]
    return None, ""
