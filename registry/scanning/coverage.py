"""Of which packages a database knows nothing: to find nothing there is not to be clean."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from registry.scanning.port import Package

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
DISTRIBUTIONS: Final[Mapping[str, str]] = {
    "Debian": "debian ", "Ubuntu": "ubuntu ", "Alpine": "alpine ", "Red Hat": "Red Hat", "Rocky Linux": "rocky ",
    "AlmaLinux": "alma ",
}  # fmt: skip


def of_trivy(packages: Sequence[Package], buckets: Iterable[str]) -> tuple[str, ...]:
    """Return the ecosystems in which trivy's database has nothing at all."""
    held = list(buckets)
    return _missing(packages, lambda ecosystem: any(bucket.startswith(_beginnings(ecosystem)) for bucket in held))


def of_feed(packages: Sequence[Package], ecosystems: Iterable[str]) -> tuple[str, ...]:
    """Return the ecosystems of which the feed has no advisory."""
    held = set(ecosystems)
    return _missing(packages, lambda ecosystem: ecosystem in held)


def _missing(packages: Sequence[Package], covered: Callable[[str], bool]) -> tuple[str, ...]:
    found = {package.ecosystem or UNKNOWN for package in packages}
    return tuple(sorted(one for one in found if one == UNKNOWN or not covered(one)))


def _beginnings(ecosystem: str) -> tuple[str, ...]:
    """Return how trivy's buckets of an ecosystem begin; "Debian:12" is "debian 12", "Alpine:v3.20" "alpine 3.20"."""
    if ecosystem in PREFIXES:
        return PREFIXES[ecosystem]
    name, _colon, release = ecosystem.partition(":")
    begin = DISTRIBUTIONS.get(name)
    return (f"{begin}{release.removeprefix('v')}",) if begin and release else ("\0",)
