"""What differs between two artifacts of a repository: packages, vulnerabilities, layers, size.

Of what nobody has looked into nothing is said: such a part is None, which is never "no difference". Of two indexes the
images of one platform are compared.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from pks_portal.errors import NotFound
from registry.browsing import tree_of
from registry.models import Artifact, Finding, Repository, Sbom, Scan
from registry.names import is_digest, is_tag
from registry.scanning.versions import ecosystem_of
from registry.severity import Severity

INCOMPLETE: Final = frozenset({Artifact.ScanState.ERROR, Artifact.ScanState.STOPPED})
"""States in which a scanner may have been silenced: what the others said is not all that there is."""
LEVELS: Final = tuple(reversed(Severity))


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two. `named`: what the reference means; `artifact`: what is compared, its image of a platform.

    Without `artifact` it has none of that platform, or the index names one that is not there.
    """

    reference: str
    named: Artifact
    platforms: Mapping[str, Artifact | None]
    artifact: Artifact | None = None
    has_sbom: bool = False
    scans: Sequence[Scan] = ()

    @property
    def scanned(self) -> bool:
        """Whether its vulnerabilities are known: a scan that failed in part has left some out."""
        return self.artifact is not None and self.artifact.scan_state not in INCOMPLETE and bool(self.scans)

    @property
    def judged_by(self) -> set[tuple[Any, ...]]:
        return {(scan.scanner, scan.database, scan.database_updated_at) for scan in self.scans}


class Installed(NamedTuple):
    """A package with the versions that are installed before and after; none: it is not there."""

    name: str
    ecosystem: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(slots=True)
class Carried:
    """A vulnerability in one image, by the worst that a scanner said of it."""

    id: str
    title: str
    severity: int
    packages: set[str] = field(default_factory=set)
    fixed_in: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Packages:
    """How the packages differ; `same`: how many do not."""

    added: list[Installed]
    gone: list[Installed]
    changed: list[Installed]
    same: int


@dataclass(frozen=True, slots=True)
class Vulnerabilities:
    """How the vulnerabilities differ, the worst first. `alike`: both were judged by the same databases."""

    added: list[Carried]
    gone: list[Carried]
    same: int
    alike: bool

    @property
    def levels(self) -> list[tuple[Severity, int, int]]:
        """How many came and went of each severity of which any did."""
        came, went = (Counter(one.severity for one in rows) for rows in (self.added, self.gone))
        return [(level, came[level], went[level]) for level in LEVELS if came[level] or went[level]]


@dataclass(frozen=True, slots=True)
class Layers:
    """How the layers differ, each {digest, size, media_type}."""

    added: list[dict[str, Any]]
    gone: list[dict[str, Any]]
    same: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs. `platforms`: those to choose from, none where neither is an index; `size`: bytes more, or fewer."""

    before: Side
    after: Side
    platform: str
    platforms: list[str]
    packages: Packages | None = None
    vulnerabilities: Vulnerabilities | None = None
    layers: Layers | None = None
    size: int | None = None


def compare(repository: Repository, before: str, after: str, platform: str = "") -> Comparison:
    """Compare two artifacts of a repository, each by tag or digest; another platform than there are counts as none.

    Raises NotFound.
    """
    sides = [_side(repository, reference) for reference in (before, after)]
    common = [name for name in sides[1].platforms if name in sides[0].platforms]
    several = any(side.named.kind == Artifact.Kind.INDEX for side in sides)
    if several:
        chosen = platform if platform in common else common[0] if common else ""
        found = [side.platforms.get(chosen) for side in sides]
    else:
        chosen, found = "", [side.named for side in sides]
    return _compared(sides, found, chosen, common if several else [])


def one_before(artifact: Artifact) -> Artifact | None:
    """Return what was pushed into the repository just before it."""
    rows = Artifact.objects.filter(repository=artifact.repository_id, listed=True, pushed_at__lte=artifact.pushed_at)
    return rows.exclude(pk=artifact.pk).order_by("-pushed_at", "id").first()


def named(repository: Repository, reference: str) -> Artifact:
    """Return the artifact of a tag or digest. Raises NotFound."""
    rows = Artifact.objects.filter(repository=repository)
    found = None
    if is_digest(reference):
        found = rows.filter(digest=reference).first()
    elif is_tag(reference):
        found = rows.filter(tags__name=reference, tags__repository=repository).first()
    if found is None:
        raise NotFound("error.manifest_unknown", name=str(repository), reference=reference[:128])
    return found


def _side(repository: Repository, reference: str) -> Side:
    found = named(repository, reference)
    return Side(reference, found, _platforms(found))


def _platforms(artifact: Artifact) -> dict[str, Artifact | None]:
    if artifact.kind != Artifact.Kind.INDEX:
        return {_plain(artifact.platform): artifact}
    return {_plain(one.platform): one.artifact for one in tree_of(artifact) if one.platform and not one.child.attests}


def _plain(platform: str) -> str:
    """Return a platform without the variant that is meant anyway, which some builders write and others do not."""
    return platform.removesuffix("/v8") if "/arm64/" in platform else platform


def _compared(
    sides: Sequence[Side], found: Sequence[Artifact | None], platform: str, platforms: list[str]
) -> Comparison:
    packages, scans = _sboms(found), _scans(found)
    before, after = (
        Side(
            side.reference, side.named, side.platforms, artifact,
            has_sbom=artifact is not None and artifact.pk in packages, scans=scans[artifact.pk] if artifact else (),
        )
        for side, artifact in zip(sides, found, strict=True)
    )  # fmt: skip
    if before.artifact is None or after.artifact is None:
        return Comparison(before, after, platform, platforms)
    old, new = before.artifact, after.artifact
    known = before.scanned and after.scanned
    return Comparison(
        before, after, platform, platforms,
        packages=_packages(packages[old.pk], packages[new.pk]) if before.has_sbom and after.has_sbom else None,
        vulnerabilities=_vulnerabilities(before, after) if known else None,
        layers=_layers(old.layers, new.layers), size=new.size - old.size,
    )  # fmt: skip


def _sboms(found: Iterable[Artifact | None]) -> dict[Any, list[dict[str, Any]]]:
    rows = Sbom.objects.filter(artifact__in=[one for one in found if one])
    return dict(rows.values_list("artifact", "packages"))


def _scans(found: Iterable[Artifact | None]) -> Mapping[Any, list[Scan]]:
    rows: defaultdict[Any, list[Scan]] = defaultdict(list)
    for scan in Scan.objects.filter(artifact__in=[one for one in found if one], current=True).defer("log"):
        rows[scan.artifact_id].append(scan)
    return rows


def _packages(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Packages:
    old, new = _versions(before), _versions(after)
    every = [
        Installed(name, ecosystem, tuple(sorted(old.get(key, ()))), tuple(sorted(new.get(key, ()))))
        for key in old.keys() | new.keys()
        for name, ecosystem in [key]
    ]
    every.sort(key=lambda one: (one.name.lower(), one.ecosystem))
    return Packages(
        added=[one for one in every if not one.before],
        gone=[one for one in every if not one.after],
        changed=[one for one in every if one.before and one.after and one.before != one.after],
        same=sum(one.before == one.after for one in every),
    )


def _versions(packages: list[dict[str, Any]]) -> dict[tuple[str, str], set[str]]:
    """Return the versions of each package; a newer release of a distribution does not make all of them new."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for one in packages:
        found[one["name"], ecosystem_of(one.get("ecosystem", ""))].add(one["version"])
    return found


def _vulnerabilities(before: Side, after: Side) -> Vulnerabilities:
    found = _carried([*before.scans, *after.scans])
    old, new = (found[side.artifact.pk] for side in (before, after) if side.artifact)
    return Vulnerabilities(
        added=_worst_first(one for name, one in new.items() if name not in old),
        gone=_worst_first(one for name, one in old.items() if name not in new),
        same=len(old.keys() & new.keys()),
        alike=before.judged_by == after.judged_by,
    )


def _carried(scans: Iterable[Scan]) -> Mapping[Any, dict[str, Carried]]:
    """Return each artifact's vulnerabilities by their names, in one query."""
    rows = Finding.objects.filter(scan__in={scan.pk for scan in scans}).order_by()
    found: defaultdict[Any, dict[str, Carried]] = defaultdict(dict)
    said = rows.values_list(
        "scan__artifact", "vulnerability", "vulnerability__title", "severity", "package", "fixed_in"
    )
    for artifact, name, title, severity, package, fixed_in in said:
        one = found[artifact].setdefault(name, Carried(name, title, severity))
        one.severity = max(one.severity, severity)
        one.packages.add(package)
        one.fixed_in |= {fixed_in} - {""}
    return found


def _worst_first(rows: Iterable[Carried]) -> list[Carried]:
    return sorted(rows, key=lambda one: (-one.severity, one.id))


def _layers(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Layers:
    old, new = ({layer["digest"] for layer in rows} for rows in (before, after))
    return Layers(
        added=[layer for layer in after if layer["digest"] not in old],
        gone=[layer for layer in before if layer["digest"] not in new],
        same=len(old & new),
    )
