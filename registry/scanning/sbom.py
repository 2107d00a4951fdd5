"""Packages out of an SBOM, CycloneDX's JSON (1.4 to 1.7) or SPDX's (2.3); names of ecosystems are OSV's."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from packageurl import PackageURL

from registry.scanning import distributions, spdx
from registry.scanning.binary import Unusable
from registry.scanning.port import Package
from registry.text import sound

MOST: Final = 100_000
LANGUAGES: Final[Mapping[str, str]] = {
    "pypi": "PyPI", "npm": "npm", "golang": "Go", "maven": "Maven", "cargo": "crates.io", "gem": "RubyGems",
    "nuget": "NuGet", "composer": "Packagist", "pub": "Pub", "hex": "Hex", "conan": "ConanCenter",
}  # fmt: skip
ARE_PACKAGES: Final = frozenset({"library", "framework"})
PROPERTY: Final = "aquasecurity:trivy:"


def packages(document: str) -> list[Package]:
    """Return the packages of a document, each once. Raises Unusable where it is no SBOM, or has too many to keep."""
    try:
        said = json.loads(document)
        found = list(dict.fromkeys(_packages(said)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unusable("error.scan_failed", system="sbom", code=0, cause=f"{type(error).__name__}: {error}") from None
    if len(found) > MOST:  # to leave some out would be to call them clean
        raise Unusable("error.scan_failed", system="sbom", code=0, cause=f"more than {MOST} packages")
    return found


def _packages(said: dict[str, Any]) -> Iterator[Package]:
    if "spdxVersion" in said:
        yield from spdx.packages(said, _package)
    elif said["bomFormat"] == "CycloneDX":
        for component in _components(said):
            if (purl := component.get("purl")) or component.get("type") in ARE_PACKAGES:
                yield _package(component, str(purl or ""))
    else:
        raise ValueError("neither CycloneDX nor SPDX")


def _components(holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield components and what they consist of in turn."""
    for component in holder.get("components") or []:
        yield component
        yield from _components(component)


def _package(component: dict[str, Any], text: str) -> Package:
    """Return a package; one that no purl names is kept without ecosystem, so that it counts as not assessed."""
    own = {one["name"]: one.get("value", "") for one in component.get("properties") or [] if "name" in one}
    try:
        purl = PackageURL.from_string(text)
    except ValueError:
        purl = None
    version = _whole(str(component.get("version") or (purl.version if purl else "") or ""), purl)
    source = own.get(f"{PROPERTY}SrcName", "")
    return Package(
        name=sound(_name(purl) if purl else str(component.get("name") or ""))[:200],
        version=sound(version)[:120],
        ecosystem=_ecosystem(purl) if purl else "",
        purl=sound(purl.to_string() if purl else "")[:500],
        licenses=tuple(_licenses(component)),
        source=sound(source)[:200],
        source_version=sound(_source_version(own, version))[:120],
    )


def name_in(text: str) -> str:
    """Return the name in a purl, as `packages` does; empty where it is none."""
    try:
        return sound(_name(PackageURL.from_string(text)))
    except ValueError:
        return ""


def _name(purl: PackageURL) -> str:
    """Return the name as its ecosystem writes it: "golang.org/x/net", "@babel/core", "org.slf4j:slf4j-api"."""
    if not purl.namespace or purl.type in distributions.TYPES:
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
    if purl.type not in distributions.TYPES:
        return LANGUAGES.get(purl.type, "")
    return distributions.ecosystem(str(purl.namespace or ""), _qualifiers(purl).get("distro", ""))


def _qualifiers(purl: PackageURL) -> dict[str, str]:
    return dict(purl.qualifiers) if isinstance(purl.qualifiers, dict) else {}


def _whole(version: str, purl: PackageURL | None) -> str:
    """Return a version with its epoch, which purls of RPM have beside it."""
    epoch = _qualifiers(purl).get("epoch", "0") if purl and purl.type == "rpm" else "0"
    return version if epoch == "0" or not version or ":" in version else f"{epoch}:{version}"


def _licenses(component: dict[str, Any]) -> Iterator[str]:
    for one in (component.get("licenses") or [])[:20]:
        if (
            name := one.get("expression")
            or (one.get("license") or {}).get("id")
            or (one.get("license") or {}).get("name")
        ):
            yield sound(str(name))[:120]
