"""Our own scanner: an SBOM against the advisories that an administrator took in. It pulls nothing and runs nothing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import Q, Sum
from django.utils import timezone

from registry.models import Advisory, AdvisoryFeed
from registry.scanning import coverage, databases, osv
from registry.scanning.port import Database, Found, Judgement, Log, Package, state_at

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


def judged(packages: Iterable[Package], records: Records) -> tuple[list[Found], set[str]]:
    """Return what packages are vulnerable to, and the packages whose version could not be compared.

    `records`: OSV documents by (ecosystem, normal name). A vulnerability is found once for a package, under its CVE,
    however many sources tell of it: the one that knows a severity, and a fixed version, is believed.
    """
    best: dict[tuple[str, str, str], Found] = {}
    unread: set[str] = set()
    for package in packages:
        name, version = _looked_up(package)
        for record in records.get((package.ecosystem, osv.normal(package.ecosystem, name)), ()):
            for said in osv.affected(record, package.ecosystem, name):
                try:
                    fits = osv.fit(said, package.ecosystem, version)
                except osv.Incomparable:
                    unread.add(f"{package.ecosystem}/{package.name} {package.version}")
                    continue
                if fits is not None:
                    _keep(best, _found(record, said, package, fits))
    return list(best.values()), unread


def _keep(best: dict[tuple[str, str, str], Found], new: Found) -> None:
    key = (new.id, new.package, new.version)
    held = best.get(key)
    if held is None or (new.severity, bool(new.fixed_in)) > (held.severity, bool(held.fixed_in)):
        best[key] = new


def _found(record: Mapping[str, Any], said: Mapping[str, Any], package: Package, fits: osv.Fit) -> Found:
    severity, score, vector = osv.rating(record, said)
    return Found(
        id=osv.identity(record)[:60],
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


def _looked_up(package: Package) -> tuple[str, str]:
    """Return name and version under which advisories speak of a package: distributions name what it was built from."""
    distribution = ":" in package.ecosystem
    if distribution and package.source:
        return package.source, package.source_version or package.version
    return package.name, package.version


def _advisories(packages: Sequence[Package]) -> dict[Key, list[Mapping[str, Any]]]:
    """Return the records of all these packages, in few queries."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for package in packages:
        if package.ecosystem:
            wanted[package.ecosystem].add(osv.normal(package.ecosystem, _looked_up(package)[0]))
    found: dict[Key, list[Mapping[str, Any]]] = defaultdict(list)
    for ecosystem, names in wanted.items():
        ordered = sorted(names)
        for start in range(0, len(ordered), AT_ONCE):
            some = Q(ecosystem=ecosystem, package__in=ordered[start : start + AT_ONCE])
            for row in Advisory.objects.filter(some).order_by("record"):
                found[row.ecosystem, row.package].append(row.document)
    return found
