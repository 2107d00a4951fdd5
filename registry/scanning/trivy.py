"""trivy as scanner: what an image consists of, and what its database says about that.

It runs confined (confined.py): while it reads an image the registry is all of its network, and while it judges there
is none. It never fetches a database: an administrator uploads one.
"""

import json
import os
import re
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.utils import timezone

from registry.scanning import binary, confined, coverage, databases, jars, lone, osv, place, sbom
from registry.scanning.binary import Unusable
from registry.scanning.confined import Stop, never
from registry.scanning.port import Database, Found, Judgement, Log, Package
from registry.severity import Severity

NAME: Final = "trivy"
QUIET: Final = ("--no-progress", "--offline-scan", "--skip-version-check", "--disable-telemetry")
NO_FETCH: Final = ("--skip-db-update", "--skip-java-db-update", "--skip-vex-repo-update")
LEVEL: Final = re.compile(r"\S+\t(INFO|WARN|ERROR|FATAL)\t|  - ")
"""What of --debug's lines is for people: neither the details nor the traces."""
LONGEST_TEXT: Final = 8000
MOST_LINKS: Final = 20


@dataclass(frozen=True, slots=True)
class Image:
    """An image to look into, on the registry's own address. `token`: what the registry takes for a pull of it."""

    registry: str
    repository: str
    digest: str
    token: str


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
        arguments = (
            "image", "--image-src", "remote", "--insecure", "--scanners", "license", "--format", "cyclonedx",
            "--skip-java-db-update", "--debug",
        )  # fmt: skip
        lines: list[str] = []

        def heard(line: str) -> None:
            lines.append(line)
            if LEVEL.match(line):
                log(line)

        document = _run(arguments, heard, _Run(image=image, stopped=self.stopped))
        return jars.with_strangers(document, lines)

    def spdx(self, cyclonedx: str, log: Log) -> str:
        """Return an SBOM as SPDX 2.3. Raises Unusable, Unavailable."""
        return _run(("sbom", "--format", "spdx-json"), log, _Run(stdin=cyclonedx, stopped=self.stopped))

    def judge(self, cyclonedx: str, packages: Sequence[Package], log: Log) -> Judgement:
        """Judge an SBOM by the database on this host. Raises Unusable (no or a broken database), Unavailable."""
        state = self.database(timezone.now())
        databases.require(state)
        arguments = ("sbom", "--scanners", "vuln", "--format", "json", *NO_FETCH)
        said = _run(arguments, log, _Run(stdin=cyclonedx, database=place.trivy(), stopped=self.stopped))
        found = [one for result in _results(said) for one in result]
        missing = coverage.of_trivy(packages, databases.trivy_buckets())
        unread = coverage.unread(packages, databases.trivy_names)
        return Judgement(
            scanner=NAME, version=binary.version(), database=state, found=found, not_assessed=(*missing, *unread)
        )


@dataclass(frozen=True, slots=True)
class _Run:
    """How to run: over an image, or an SBOM, which is given as a file. `database`: the directory with db/."""

    image: Image | None = None
    stdin: str = ""
    database: Path | None = None
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
        command = [
            f"/proc/self/fd/{program}", arguments[0], *QUIET, "--output", f"{here}/out.json", *arguments[1:],
            "--cache-dir", here if how.image is None else str(held.enter_context(jars.none_known())),
        ]  # fmt: skip
        secret, network = {}, None
        if how.image is not None:
            host, network = _reached(held, how.image.registry)
            command.append(f"{host}/{how.image.repository}@{how.image.digest}")
            secret = {"TRIVY_REGISTRY_TOKEN": how.image.token}
        else:
            place.put(home / "sbom.json", how.stdin)
            command.append(f"{here}/sbom.json")
        environment = {"PATH": "/usr/bin:/bin", "HOME": here, "TMPDIR": here, **secret}
        fds += [] if network is None else [network]
        wanted = confined.Run(command, environment, fds, network=network, writes=home)
        confined.run(wanted, system=NAME, log=confined.Scrubbed(log, tuple(secret.values())), stopped=how.stopped)
        try:
            return place.taken(home / "out.json")
        except (OSError, ValueError) as error:
            raise Unusable("error.scan_failed", system=NAME, code=0, cause=f"its answer: {error}"[:200]) from None


def _reached(held: ExitStack, registry: str) -> tuple[str, int | None]:
    """Return where the registry is found, and in which network; where we are not root, in the one that all have.

    Raises Unusable: what strangers pushed is not read with all that root may do.
    """
    if os.geteuid() != 0:
        return registry, None
    parts = urlsplit(f"//{registry}")
    host, port = parts.hostname or "", parts.port or 80
    try:
        return f"127.0.0.1:{port}", held.enter_context(lone.network(host, port))
    except OSError as error:
        raise Unusable("error.scan_confined", system=NAME, cause=str(error)[:200]) from None


def _handed(held: ExitStack, path: Path) -> int:
    """Return a file or directory, open for a program to be handed; closed with `held`."""
    descriptor = os.open(path, os.O_PATH)
    held.callback(os.close, descriptor)
    return descriptor


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
