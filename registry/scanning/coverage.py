"""Of which packages a database knows nothing: to find nothing there is not to be clean."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from registry.scanning.osv import normal
from registry.scanning.port import Package
from registry.scanning.versions import Incomparable, comparable, ecosystem_of

UNKNOWN: Final = "?"
PREFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "PyPI": ("pip::",),
    "npm": ("npm::",),
    "Go": ("go::",),
    "Maven": ("maven::",),
    "crates.io": ("rust::", "cargo::"),
    "RubyGems": ("rubygems::",),
    "NuGet": ("nuget::",),
    "Packagist": ("composer::",),
}
"""OSV's name of a language's packages → how trivy's database names what it has of them."""
DISTRIBUTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "Debian": ("debian {}",), "Ubuntu": ("ubuntu {}",), "Alpine": ("alpine {}",), "Rocky Linux": ("rocky {}",),
    "AlmaLinux": ("alma {}",), "Red Hat": ("Red Hat",), "Wolfi": ("wolfi",), "Chainguard": ("chainguard",),
    "Oracle Linux": ("Oracle Linux {}",), "Amazon Linux": ("amazon linux {}",), "Photon OS": ("Photon OS {}",),
    "Azure Linux": ("Azure Linux {}.0", "CBL-Mariner {}.0"), "openSUSE": ("openSUSE {}",), "SUSE": ("SUSE {}",),
}  # fmt: skip
"""OSV's name of a distribution → trivy's, with its release where trivy keeps releases apart."""
PRO: Final = "ubuntu {}-ESM", "ubuntu {}"
"""Ubuntu Pro: trivy looks at a release's own while that is supported."""
BY_SOURCE: Final = frozenset({"Debian", "Ubuntu", "Alpine"})
"""Where advisories name what a package was built from; elsewhere either that or the package itself."""


def of_trivy(packages: Sequence[Package], buckets: Iterable[str]) -> tuple[str, ...]:
    """Return the ecosystems in which trivy's database has nothing at all."""
    held = list(buckets)
    return _missing(packages, lambda ecosystem: any(speaks_of(bucket, beginnings(ecosystem)) for bucket in held))


def of_feed(packages: Sequence[Package], ecosystems: Iterable[str]) -> tuple[str, ...]:
    """Return the ecosystems of which the feed has no advisory."""
    held = set(ecosystems)
    return _missing(packages, lambda ecosystem: ecosystem in held)


def by_none(missing: Sequence[Collection[str]]) -> set[str]:
    """Return what none of several scanners has assessed, of what each says it has not.

    Who knows nothing of an ecosystem has not assessed the package in it whose version another could not read.
    """
    every = {one for held in missing for one in held}
    return {one for one in every if all(one in held or one.partition("/")[0] in held for held in missing)}


def entry(package: Package) -> str:
    """Return how a package of which nothing can be told is listed: "PyPI/requests what?"."""
    return f"{package.ecosystem}/{package.name} {package.version}"


def names(package: Package) -> list[tuple[str, str]]:
    """Return names and versions under which advisories speak of a package."""
    family = ecosystem_of(package.ecosystem)
    own = (package.name, package.version)
    if family not in DISTRIBUTIONS or not package.source:
        return [own]
    source = (package.source, package.source_version or package.version)
    return [source] if family in BY_SOURCE else list(dict.fromkeys([source, own]))


def unread(packages: Iterable[Package], named: Callable[[Collection[str]], Collection[str]]) -> tuple[str, ...]:
    """Return the packages that a database has advisories of, and whose version nobody can compare with theirs.

    trivy passes over them without a word. `named`: which package names the buckets of these beginnings have.
    """
    strange = [one for one in packages if one.ecosystem and not all(_readable(one, text) for _, text in names(one))]
    found = []
    for ecosystem in sorted({package.ecosystem for package in strange}):
        known = {normal(ecosystem, name) for name in named(beginnings(ecosystem))}
        rows = (one for one in strange if one.ecosystem == ecosystem)
        found += [entry(one) for one in rows if any(normal(ecosystem, name) in known for name, _ in names(one))]
    return tuple(sorted(set(found)))


def _readable(package: Package, text: str) -> bool:
    try:
        comparable(package.ecosystem, text)
    except Incomparable:
        return False
    return True


def _missing(packages: Sequence[Package], covered: Callable[[str], bool]) -> tuple[str, ...]:
    found = {package.ecosystem or UNKNOWN for package in packages}
    return tuple(sorted(one for one in found if one == UNKNOWN or not covered(one)))


def beginnings(ecosystem: str) -> tuple[str, ...]:
    """Return how trivy's buckets of an ecosystem begin, or are called; none: trivy has none of it."""
    if ecosystem in PREFIXES:
        return PREFIXES[ecosystem]
    name, _colon, release = ecosystem.partition(":")
    plain = release.removeprefix("v").removesuffix(":LTS")
    if name == "Ubuntu" and plain.startswith("Pro:"):
        return tuple(form.format(plain.removeprefix("Pro:")) for form in PRO)
    return tuple(form.format(plain) for form in DISTRIBUTIONS.get(name, ()))


def speaks_of(bucket: str, begins: Iterable[str]) -> bool:
    """Say whether a bucket of trivy's is one of these; "alpine 3.2" is not "alpine 3.20"."""
    return any(bucket.startswith(begin) if begin.endswith("::") else bucket == begin for begin in begins)
