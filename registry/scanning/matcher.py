"""Our own scanner: an SBOM against the advisories that an administrator took in. It pulls nothing and runs nothing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, Sum
from django.utils import timezone

from registry.models import Advisory, AdvisoryFeed
from registry.scanning import coverage, databases, osv
from registry.scanning.port import Database, Found, Judgement, Log, Package, state_at
from registry.scanning.versions import Incomparable

NAME: Final = "osv"
FEED: Final = "osv-feed"
VERSION: Final = "1"
AT_ONCE: Final = 400


class Matcher:
    """The adapter."""

    name = NAME

    def database(self, now: datetime) -> Database:
        """Return the state of the feed: as old as the oldest of what was taken in."""
        feeds = list(AdvisoryFeed.objects.filter(records__gt=0))
        if not feeds:
            return Database(name=FEED, state="absent")
        updated = min(feed.updated_at for feed in feeds)
        records = int(AdvisoryFeed.objects.aggregate(total=Sum("records"))["total"] or 0)
        names = tuple(feed.name for feed in feeds)
        return Database(name=FEED, state=state_at(updated, now), updated_at=updated, records=records, sources=names)

    def judge(self, cyclonedx: str, packages: Sequence[Package], log: Log) -> Judgement:
        """Judge the packages of an SBOM. Raises Unusable (nothing has been taken in)."""
        state = self.database(timezone.now())
        databases.require(state)
        found, unread = judged(packages, _advisories(packages))
        covered = {name for feed in AdvisoryFeed.objects.all() for name in feed.ecosystems}
        missing = coverage.of_feed(packages, covered)
        for name in unread:
            log(f"not assessed: {name}")
        return Judgement(
            scanner=NAME, version=VERSION, database=state, found=found, not_assessed=(*missing, *sorted(unread))
        )


Key = tuple[str, str]
Records = Mapping[Key, Sequence[Mapping[str, Any]]]
Hit = tuple[list[str], Found]
"""What a record says of a package, with every name of the vulnerability."""


def judged(packages: Iterable[Package], records: Records) -> tuple[list[Found], set[str]]:
    """Return what packages are vulnerable to, and the packages of which that could not be told.

    `records`: OSV documents by (ecosystem, normal name). A vulnerability is found once for a package, under its CVE,
    however many sources tell of it: the one with the worst severity is believed.
    """
    found: list[Found] = []
    unread: set[str] = set()
    for package in packages:
        hits: list[Hit] = []
        for name, version in coverage.names(package):
            for record in _about(package, name, records):
                told, all_read = _hits(record, package, name, version)
                hits += told
                if not all_read:
                    unread.add(coverage.entry(package))
        found += _merged(hits)
    return list(dict.fromkeys(found)), unread


def _about(package: Package, name: str, records: Records) -> Iterable[Mapping[str, Any]]:
    """Return the records that speak of a package under this name, each once."""
    keys = [(ecosystem, osv.normal(ecosystem, name)) for ecosystem in osv.speaking(package.ecosystem)]
    return {str(record["id"]): record for key in reversed(keys) for record in records.get(key, ())}.values()


def _hits(record: Mapping[str, Any], package: Package, name: str, version: str) -> tuple[list[Hit], bool]:
    """Return what a record says of a package, and whether all of that could be compared with its version."""
    hits: list[Hit] = []
    all_read = True
    for said in osv.affected(record, package.ecosystem, name):
        try:
            fits = osv.fit(said, package.ecosystem, version)
        except Incomparable:
            all_read = False
            continue
        if fits is not None:
            hits.append((osv.names(record), _found(record, said, package, fits)))
    return hits, all_read


def _merged(hits: Sequence[Hit]) -> list[Found]:
    """Return each vulnerability of a package once: records that share a name, even through a third, are about one."""
    above: dict[str, str] = {}

    def top(name: str) -> str:
        while (higher := above.setdefault(name, name)) != name:
            name = higher
        return name

    for known, _found_in in hits:
        for name in known[1:]:
            above[top(name)] = top(known[0])
    alike: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        alike[top(hit[0][0])].append(hit)
    return [_one(group) for group in alike.values()]


def _one(group: Sequence[Hit]) -> Found:
    """Return the worst that is said of a vulnerability, under its CVE, and a fixed version if anybody knows one."""
    found = [one for _names, one in group]
    worst = max(found, key=lambda one: (one.severity, one.score or 0.0, bool(one.fixed_in)))
    known = sorted({name for names, _one in group for name in names}, key=lambda name: (not _is_cve(name), name))
    fixed = worst.fixed_in or next((one.fixed_in for one in found if one.fixed_in), "")
    name = known[0] if _is_cve(known[0]) else worst.id
    return replace(worst, id=name[:60], fixed_in=fixed, status="fixed" if fixed else worst.status)


def _is_cve(name: str) -> bool:
    return name.startswith("CVE-")


def _found(record: Mapping[str, Any], said: Mapping[str, Any], package: Package, fits: osv.Fit) -> Found:
    severity, score, vector = osv.rating(record, said)
    return Found(
        id=osv.names(record)[0][:60],
        package=package.name,
        version=package.version,
        severity=severity,
        fixed_in=fits.fixed_in[:200],
        score=score,
        vector=vector,
        status="fixed" if fits.fixed_in else "affected",
        title=osv.title(record),
        description=osv.description(record),
        links=osv.links(record),
        cwe_ids=osv.cwe_ids(record),
        source=str(record["id"])[:80],
        ecosystem=package.ecosystem[:40],
    )


def _advisories(packages: Sequence[Package]) -> dict[Key, list[Mapping[str, Any]]]:
    """Return the records of all these packages, in few queries."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for package in packages:
        for ecosystem in filter(None, osv.speaking(package.ecosystem)):
            wanted[ecosystem] |= {osv.normal(ecosystem, name) for name, _version in coverage.names(package)}
    found: dict[Key, list[Mapping[str, Any]]] = defaultdict(list)
    for ecosystem, names in wanted.items():
        ordered = sorted(names)
        for start in range(0, len(ordered), AT_ONCE):
            some = Q(ecosystem=ecosystem, package__in=ordered[start : start + AT_ONCE])
            for row in Advisory.objects.filter(some).order_by("record"):
                found[row.ecosystem, row.package].append(row.document)
    return found
