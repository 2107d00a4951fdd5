"""Packages out of an SBOM in CycloneDX's JSON (1.4 to 1.7), as trivy writes it; names of ecosystems are OSV's."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from packageurl import PackageURL

from registry.scanning.binary import Unusable
from registry.scanning.port import Package
from registry.text import sound

MOST: Final = 100_000
LANGUAGES: Final[Mapping[str, str]] = {
    "pypi": "PyPI", "npm": "npm", "golang": "Go", "maven": "Maven", "cargo": "crates.io", "gem": "RubyGems",
    "nuget": "NuGet", "composer": "Packagist", "pub": "Pub", "hex": "Hex", "conan": "ConanCenter",
}  # fmt: skip
DISTRIBUTIONS: Final[Mapping[str, str]] = {
    "debian": "Debian", "ubuntu": "Ubuntu", "alpine": "Alpine", "redhat": "Red Hat", "rocky": "Rocky Linux",
    "alma": "AlmaLinux", "wolfi": "Wolfi", "chainguard": "Chainguard",
}  # fmt: skip
PROPERTY: Final = "aquasecurity:trivy:"


def packages(document: str) -> list[Package]:
    """Return the packages of a document, each once. Raises Unusable where it is no SBOM."""
    try:
        said = json.loads(document)
        found = list(_packages(said))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unusable("error.scan_failed", system="sbom", code=0, cause=f"{type(error).__name__}: {error}") from None
    return list(dict.fromkeys(found))[:MOST]


def _packages(said: dict[str, Any]) -> Iterator[Package]:
    if said["bomFormat"] != "CycloneDX":
        raise ValueError("not CycloneDX")
    for component in said.get("components") or []:
        if purl := component.get("purl"):
            yield _package(component, PackageURL.from_string(purl))


def _package(component: dict[str, Any], purl: PackageURL) -> Package:
    own = {one["name"]: one.get("value", "") for one in component.get("properties") or [] if "name" in one}
    version = str(component.get("version") or purl.version or "")
    source = own.get(f"{PROPERTY}SrcName", "")
    return Package(
        name=sound(_name(purl))[:200],
        version=sound(version)[:120],
        ecosystem=_ecosystem(purl),
        purl=sound(purl.to_string())[:500],
        licenses=tuple(_licenses(component)),
        source=sound(source)[:200],
        source_version=sound(_source_version(own, version))[:120],
    )


def _name(purl: PackageURL) -> str:
    """Return the name as its ecosystem writes it: "golang.org/x/net", "@babel/core", "org.slf4j:slf4j-api"."""
    if not purl.namespace or purl.type in {"deb", "rpm", "apk"}:
        return str(purl.name)
    return f"{purl.namespace}{':' if purl.type == 'maven' else '/'}{purl.name}"


def _source_version(own: Mapping[str, str], version: str) -> str:
    """Return the source package's version in full, epoch and revision as Debian writes them."""
    plain = own.get(f"{PROPERTY}SrcVersion", "")
    if not plain:
        return version
    release, epoch = own.get(f"{PROPERTY}SrcRelease", ""), own.get(f"{PROPERTY}SrcEpoch", "")
    return f"{epoch + ':' if epoch and epoch != '0' else ''}{plain}{'-' + release if release else ''}"


def _ecosystem(purl: PackageURL) -> str:
    if purl.type not in {"deb", "rpm", "apk"}:
        return LANGUAGES.get(purl.type, "")
    namespace = str(purl.namespace or "")
    distro = str(purl.qualifiers.get("distro", "")) if isinstance(purl.qualifiers, dict) else ""
    release = distro.removeprefix(f"{namespace}-")
    name = DISTRIBUTIONS.get(namespace)
    if not name or not release:
        return ""
    if namespace == "alpine":
        return f"{name}:v{'.'.join(release.split('.')[:2])}"
    return f"{name}:{release if namespace == 'ubuntu' else release.split('.')[0]}"


def _licenses(component: dict[str, Any]) -> Iterator[str]:
    for one in (component.get("licenses") or [])[:20]:
        if (
            name := one.get("expression")
            or (one.get("license") or {}).get("id")
            or (one.get("license") or {}).get("name")
        ):
            yield sound(str(name))[:120]
