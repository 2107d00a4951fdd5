"""Advisories in the OSV format (https://ossf.github.io/osv-schema/, 1.6), and whether they fit a version."""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cvss import CVSS3, CVSS4
from cvss.exceptions import CVSSError

from registry.scanning.versions import Incomparable, comparable
from registry.severity import Severity
from registry.text import sound

LONGEST: Final = 8000
MOST_LINKS: Final = 20
CASELESS: Final = frozenset({"Go", "NuGet", "Packagist", "Hex", "Pub"})
"""Where names differ in more than case; trivy writes those of Go and Packagist in small letters."""
WORDS: Final = {"MODERATE": "MEDIUM", "IMPORTANT": "HIGH", "UNIMPORTANT": "NEGLIGIBLE"}
BEFORE_ALL: Final = "0"
RED_HAT: Final = re.compile(r"Red Hat:enterprise_linux:(\d+)(\.\d+)?(::\w+)?")
"""OSV names Red Hat's products by CPE, one for each repository of a release, which an image does not tell apart.

Those of a release's own repositories are of that release; other products ("rhel_eus:9.2::baseos") fix other versions.
"""
PRO: Final = ":Pro:"


RATING: Final = {"type": str, "score": str}
SPECIFIC: Final = {"severity": str, "urgency": str}
SHAPE: Final[Mapping[str, Any]] = {
    "id": str, "withdrawn": str, "summary": str, "details": str, "aliases": [str], "upstream": [str],
    "references": [{"url": str}], "severity": [RATING], "database_specific": {**SPECIFIC, "cwe_ids": [str]},
    "affected": [
        {
            "package": {"ecosystem": str, "name": str}, "versions": [str], "severity": [RATING],
            "ranges": [
                {
                    "type": str,
                    "events": [{"introduced": str, "fixed": str, "last_affected": str, "limit": str}],
                }
            ],
            "ecosystem_specific": {}, "database_specific": {},
        }
    ],
}  # fmt: skip
"""What is read of a record; a field may be left out or null, but be of no other kind."""


def well_formed(record: Any) -> bool:
    """Say whether a record is one, as far as it is read."""
    return _fits(record, SHAPE) and bool(record.get("id"))


def _fits(value: Any, shape: Any) -> bool:
    if value is None:
        return True
    if isinstance(shape, Mapping):
        return isinstance(value, dict) and all(_fits(value.get(key), inner) for key, inner in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(one is not None and _fits(one, shape[0]) for one in value)
    return isinstance(value, shape)


@dataclass(frozen=True, slots=True)
class Fit:
    """An advisory fits a version; `fixed_in` is the next version that is good, empty where there is none."""

    fixed_in: str = ""


def normal(ecosystem: str, name: str) -> str:
    """Return a package's name as it is compared (PEP 503 for PyPI; without case where that tells nothing apart)."""
    if ecosystem == "PyPI":
        return re.sub(r"[-_.]+", "-", name).lower()
    return name.lower() if ecosystem in CASELESS else name


def release(ecosystem: str) -> str:
    """Return what an SBOM calls an ecosystem of OSV's: "Red Hat:9" for "Red Hat:enterprise_linux:9::baseos"."""
    product = RED_HAT.fullmatch(ecosystem)
    return f"Red Hat:{product[1]}" if product else ecosystem


def speaking(ecosystem: str) -> tuple[str, ...]:
    """Return the ecosystems whose advisories are about packages of one, the first that has any deciding.

    Ubuntu Pro's are about what it fixes for longer; what it has not touched is still of the release itself.
    """
    return (ecosystem, ecosystem.replace(PRO, ":", 1)) if PRO in ecosystem else (ecosystem,)


def affected(record: Mapping[str, Any], ecosystem: str, name: str) -> list[Mapping[str, Any]]:
    """Return what a record says of one package; nothing of one that was withdrawn."""
    if record.get("withdrawn"):
        return []
    every = [one for one in record.get("affected") or [] if _about(one, ecosystem, name)]
    of = {which: [one for one in every if _ecosystem(one) == which] for which in speaking(ecosystem)}
    return next(filter(None, of.values()), [])


def _about(said: Mapping[str, Any], ecosystem: str, name: str) -> bool:
    return normal(ecosystem, str((said.get("package") or {}).get("name"))) == normal(ecosystem, name)


def _ecosystem(said: Mapping[str, Any]) -> str:
    return release(str((said.get("package") or {}).get("ecosystem") or ""))


def fit(said: Mapping[str, Any], ecosystem: str, version: str) -> Fit | None:
    """Return how what a record says of a package fits a version; None: it does not.

    Raises Incomparable where that cannot be told: the version, or the record's, cannot be read, or it names none.
    """
    listed = version in (said.get("versions") or [])
    try:
        found = _fit(said, ecosystem, version, listed=listed)
    except Incomparable:
        if listed:
            return Fit()
        raise
    return found


def _fit(said: Mapping[str, Any], ecosystem: str, version: str, *, listed: bool) -> Fit | None:
    own, ranges = comparable(ecosystem, version), _ranges(said)
    unread: Incomparable | None = None
    for events in ranges:
        try:
            found = _in_range(events, ecosystem, own)
        except Incomparable as error:
            unread = error
            continue
        if found is not None:
            return found
    if listed or (not ranges and _named(said, ecosystem, own)):
        return Fit(_next_fix(ranges, ecosystem, own))
    if unread is not None:
        raise unread
    return None


def _ranges(said: Mapping[str, Any]) -> list[Sequence[Mapping[str, str]]]:
    """Return the events of each range that speaks of versions, not of commits."""
    return [one.get("events") or [] for one in said.get("ranges") or [] if one.get("type") != "GIT"]


def _named(said: Mapping[str, Any], ecosystem: str, own: Any) -> bool:
    """Say whether a version is among those listed, however it is written ("1.0" is "1.0.0"). Raises Incomparable."""
    if not (texts := said.get("versions")):
        raise Incomparable("the record names no version")
    for text in texts:
        try:
            at = comparable(ecosystem, text)
        except Incomparable:
            continue  # whose text is another one: fit() has compared that
        if not at < own and not own < at:  # "1.0.0+build" is neither less than "1.0.0" nor equal to it
            return True
    return False


def _in_range(events: Sequence[Mapping[str, str]], ecosystem: str, own: Any) -> Fit | None:
    """Go through a range's events in the order of their versions, whatever order they are written in."""
    hit, fixed = False, ""
    if not any(event.get("introduced") for event in events):
        raise Incomparable("a range without a beginning")
    for kind, text, at in _ordered(events, ecosystem):
        if kind == "introduced" and (at is None or not own < at):
            hit = True
        elif (kind == "fixed" and (at is None or not own < at)) or (kind == "last_affected" and at < own):
            hit = False
        elif kind == "fixed" and hit and not fixed:
            fixed = text
    return Fit(fixed) if hit else None


def _ordered(events: Sequence[Mapping[str, str]], ecosystem: str) -> list[tuple[str, str, Any]]:
    """Return (kind, text, version) in order; where versions are equal a fix comes before what is introduced anew.

    The version is None for one before all: what was fixed in it has never been affected, as Wolfi says of false alarms.
    """
    rank = {"fixed": 0, "introduced": 1, "last_affected": 2}
    found = [
        (kind, text, None if text == BEFORE_ALL and kind != "last_affected" else comparable(ecosystem, text))
        for event in events
        for kind, text in event.items()
        if kind in rank and text
    ]

    def order(one: tuple[str, str, Any], other: tuple[str, str, Any]) -> int:
        if one[2] is None and other[2] is None:
            return (one[0] == "fixed") - (other[0] == "fixed")
        if one[2] is None or other[2] is None:
            return -1 if one[2] is None else 1
        if one[2] < other[2]:
            return -1
        return 1 if other[2] < one[2] else rank[one[0]] - rank[other[0]]

    return sorted(found, key=functools.cmp_to_key(order))


def _next_fix(ranges: Sequence[Sequence[Mapping[str, str]]], ecosystem: str, own: Any) -> str:
    """Return the lowest fixed version above one's own; empty where there is none."""
    fixes = [
        (at, text)
        for events in ranges
        for kind, text, at in _ordered(events, ecosystem)
        if kind == "fixed" and at is not None and own < at
    ]
    return min(fixes, key=lambda one: one[0])[1] if fixes else ""


def names(record: Mapping[str, Any]) -> list[str]:
    """Return every name of the vulnerability that a record is about, its CVE first where it has one.

    What it has from upstream is a name of it only where that is one CVE: an advisory of a distribution may fix many.
    """
    upstream = [one for one in record.get("upstream") or [] if one.startswith("CVE-")]
    known = [str(record["id"]), *(record.get("aliases") or []), *(upstream if len(upstream) == 1 else [])]
    return sorted(dict.fromkeys(known), key=lambda name: not name.startswith("CVE-"))


def rating(record: Mapping[str, Any], said: Mapping[str, Any]) -> tuple[Severity, float | None, str]:
    """Return severity, base score and vector: by CVSS where given, else by the source's own word, else unknown."""
    for one in [*(said.get("severity") or []), *(record.get("severity") or [])]:
        if (found := scored(str(one.get("type")), str(one.get("score")))) is not None:
            return found
    for holder in (said.get("ecosystem_specific"), said.get("database_specific"), record.get("database_specific")):
        word = str((holder or {}).get("severity") or (holder or {}).get("urgency") or "").upper()
        if (level := Severity.read(WORDS.get(word, word))) is not Severity.UNKNOWN:
            return level, None, ""
    return Severity.UNKNOWN, None, ""


def scored(kind: str, vector: str) -> tuple[Severity, float, str] | None:
    """Return severity, base score and vector of a CVSS vector; None where it is none that can be read."""
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
