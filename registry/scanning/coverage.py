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
    "Debian": "debian {}", "Ubuntu": "ubuntu {}", "Alpine": "alpine {}", "Rocky Linux": "rocky {}",
    "AlmaLinux": "alma {}", "Red Hat": "Red Hat", "Wolfi": "wolfi", "Chainguard": "chainguard",
}  # fmt: skip
"""OSV's name of a distribution → trivy's, with its release where trivy keeps releases apart."""


def of_trivy(packages: Sequence[Package], buckets: Iterable[str]) -> tuple[str, ...]:
    """Return the ecosystems in which trivy's database has nothing at all."""
    held = list(buckets)
    return _missing(packages, lambda ecosystem: any(_speaks_of(bucket, ecosystem) for bucket in held))


def of_feed(packages: Sequence[Package], ecosystems: Iterable[str]) -> tuple[str, ...]:
    """Return the ecosystems of which the feed has no advisory."""
    held = set(ecosystems)
    return _missing(packages, lambda ecosystem: ecosystem in held)


def _missing(packages: Sequence[Package], covered: Callable[[str], bool]) -> tuple[str, ...]:
    found = {package.ecosystem or UNKNOWN for package in packages}
    return tuple(sorted(one for one in found if one == UNKNOWN or not covered(one)))


def _speaks_of(bucket: str, ecosystem: str) -> bool:
    """Say whether a bucket of trivy's is about an ecosystem; "Alpine:v3.2" is "alpine 3.2", not "alpine 3.20"."""
    if ecosystem in PREFIXES:
        return bucket.startswith(PREFIXES[ecosystem])
    name, _colon, release = ecosystem.partition(":")
    form = DISTRIBUTIONS.get(name, "")
    return bool(form) and bucket == form.format(release.removeprefix("v").removesuffix(":LTS"))
