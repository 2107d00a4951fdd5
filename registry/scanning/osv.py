"""Advisories in the OSV format (https://ossf.github.io/osv-schema/, 1.6), and whether they fit a version."""

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cvss import CVSS3, CVSS4
from cvss.exceptions import CVSSError
from univers import versions as univers
from univers.versions import InvalidVersion

from registry.severity import Severity
from registry.text import sound

LONGEST: Final = 8000
MOST_LINKS: Final = 20
KINDS: Final[Mapping[str, Any]] = {
    "PyPI": univers.PypiVersion, "npm": univers.SemverVersion, "Go": univers.GolangVersion,
    "Maven": univers.MavenVersion, "crates.io": univers.SemverVersion, "RubyGems": univers.RubygemsVersion,
    "NuGet": univers.NugetVersion, "Packagist": univers.ComposerVersion, "Debian": univers.DebianVersion,
    "Ubuntu": univers.DebianVersion, "Alpine": univers.AlpineLinuxVersion, "Red Hat": univers.RpmVersion,
    "Rocky Linux": univers.RpmVersion, "AlmaLinux": univers.RpmVersion,
}  # fmt: skip
WORDS: Final = {"MODERATE": "MEDIUM", "IMPORTANT": "HIGH", "UNIMPORTANT": "NEGLIGIBLE"}
BEFORE_ALL: Final = "0"


class Incomparable(ValueError):
    """A version that its ecosystem's rules cannot read."""


@dataclass(frozen=True, slots=True)
class Fit:
    """An advisory fits a version; `fixed_in` is the next version that is good, empty where there is none."""

    fixed_in: str = ""


def ecosystem_of(name: str) -> str:
    """Return an ecosystem without its release: "Debian" of "Debian:12"."""
    return name.partition(":")[0]


def normal(ecosystem: str, name: str) -> str:
    """Return a package's name as it is compared (PEP 503 for PyPI; others as they are)."""
    return re.sub(r"[-_.]+", "-", name).lower() if ecosystem == "PyPI" else name


def comparable(ecosystem: str, text: str) -> Any:
    """Return a version that can be compared with others of its ecosystem. Raises Incomparable."""
    kind = KINDS.get(ecosystem_of(ecosystem))
    if kind is None:
        raise Incomparable(f"{ecosystem} has no order of versions here")
    try:
        return kind(text.removeprefix("v") if ecosystem == "Go" else text)
    except (InvalidVersion, ValueError, TypeError, AttributeError) as error:
        raise Incomparable(f"{ecosystem} {text}") from error


def affected(record: Mapping[str, Any], ecosystem: str, name: str) -> Iterator[Mapping[str, Any]]:
    """Yield what a record says of one package; nothing of one that was withdrawn."""
    if record.get("withdrawn"):
        return
    for one in record.get("affected") or []:
        package = one.get("package") or {}
        same = package.get("ecosystem") == ecosystem
        if same and normal(ecosystem, str(package.get("name"))) == normal(ecosystem, name):
            yield one


def fit(said: Mapping[str, Any], ecosystem: str, version: str) -> Fit | None:
    """Return how what a record says of a package fits a version; None: it does not. Raises Incomparable."""
    own = comparable(ecosystem, version)
    for one in said.get("ranges") or []:
        if one.get("type") != "GIT" and (found := _in_range(one.get("events") or [], ecosystem, own)) is not None:
            return found
    if version in (said.get("versions") or []):
        return Fit(_next_fix(said, ecosystem, own))
    return None


def _in_range(events: Sequence[Mapping[str, str]], ecosystem: str, own: Any) -> Fit | None:
    """Go through a range's events in the order of their versions, whatever order they are written in."""
    hit, fixed = False, ""
    for kind, text, at in _ordered(events, ecosystem):
        if kind == "introduced" and (text == BEFORE_ALL or not own < at):
            hit = True
        elif (kind == "fixed" and not own < at) or (kind == "last_affected" and at < own):
            hit = False
        elif kind == "fixed" and hit and not fixed:
            fixed = text
    return Fit(fixed) if hit else None


def _ordered(events: Sequence[Mapping[str, str]], ecosystem: str) -> list[tuple[str, str, Any]]:
    """Return (kind, text, version) in order; where versions are equal a fix comes before what is introduced anew."""
    rank = {"fixed": 0, "introduced": 1, "last_affected": 2}
    found = [
        (kind, text, None if text == BEFORE_ALL else comparable(ecosystem, text))
        for event in events
        for kind, text in event.items()
        if kind in rank
    ]

    def order(one: tuple[str, str, Any], other: tuple[str, str, Any]) -> int:
        if one[2] is None or other[2] is None:
            return (one[2] is not None) - (other[2] is not None)
        if one[2] < other[2]:
            return -1
        return 1 if other[2] < one[2] else rank[one[0]] - rank[other[0]]

    return sorted(found, key=functools.cmp_to_key(order))


def _next_fix(said: Mapping[str, Any], ecosystem: str, own: Any) -> str:
    """Return the lowest fixed version above one's own; empty where there is none."""
    fixes = [
        (at, text)
        for one in said.get("ranges") or []
        if one.get("type") != "GIT"
        for kind, text, at in _ordered(one.get("events") or [], ecosystem)
        if kind == "fixed" and own < at
    ]
    return min(fixes, key=lambda one: one[0])[1] if fixes else ""


def identity(record: Mapping[str, Any]) -> str:
    """Return the name under which a vulnerability is known: its CVE, else the record's own id."""
    known = [str(record["id"]), *map(str, record.get("aliases") or []), *map(str, record.get("upstream") or [])]
    return next((name for name in known if name.startswith("CVE-")), known[0])


def rating(record: Mapping[str, Any], said: Mapping[str, Any]) -> tuple[Severity, float | None, str]:
    """Return severity, base score and vector: by CVSS where given, else by the source's own word, else unknown."""
    for one in [*(said.get("severity") or []), *(record.get("severity") or [])]:
        if (found := _scored(str(one.get("type")), str(one.get("score")))) is not None:
            return found
    for holder in (said.get("ecosystem_specific"), said.get("database_specific"), record.get("database_specific")):
        word = str((holder or {}).get("severity") or (holder or {}).get("urgency") or "").upper()
        if (level := Severity.read(WORDS.get(word, word))) is not Severity.UNKNOWN:
            return level, None, ""
    return Severity.UNKNOWN, None, ""


def _scored(kind: str, vector: str) -> tuple[Severity, float, str] | None:
    reader: Callable[[str], Any] | None = {"CVSS_V3": CVSS3, "CVSS_V4": CVSS4}.get(kind)
    if reader is None:
        return None
    try:
        score = float(reader(vector).scores()[0]) if kind == "CVSS_V3" else float(reader(vector).base_score)
    except (CVSSError, ValueError, TypeError, KeyError):
        return None
    return level_of(score), score, vector[:200]


def level_of(score: float) -> Severity:
    """Return the severity of a base score (CVSS 3.1, 5 "Qualitative Severity Rating Scale")."""
    bounds = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
    return next((level for least, level in bounds if score >= least), Severity.NEGLIGIBLE)


def title(record: Mapping[str, Any]) -> str:
    return sound(str(record.get("summary") or ""))[:500]


def description(record: Mapping[str, Any]) -> str:
    return sound(str(record.get("details") or ""))[:LONGEST]


def links(record: Mapping[str, Any]) -> tuple[str, ...]:
    found = (str(one.get("url")) for one in record.get("references") or [])
    return tuple(url for url in found if url.startswith(("https://", "http://")))[:MOST_LINKS]


def cwe_ids(record: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(one) for one in (record.get("database_specific") or {}).get("cwe_ids") or [])
