"""Packages out of an SBOM, CycloneDX's JSON (1.4 to 1.7) or SPDX's (2.3); names of ecosystems are OSV's."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from packageurl import PackageURL

from registry.scanning import spdx
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
ROLLING: Final = frozenset({"wolfi", "chainguard"})
LTS: Final = re.compile(r"\d[02468]\.04")
"""Releases of Ubuntu that OSV marks as such: "Ubuntu:22.04:LTS"."""
ARE_PACKAGES: Final = frozenset({"library", "framework"})
ESM: Final = "-ESM"
"""What trivy appends to a release of Ubuntu with Ubuntu Pro, "Ubuntu:Pro:18.04:LTS" to OSV."""
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
    version = str(component.get("version") or (purl.version if purl else "") or "")
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
    if namespace in ROLLING:
        return DISTRIBUTIONS[namespace]
    if not name or not release:
        return ""
    if namespace == "alpine":
        return f"{name}:v{'.'.join(release.split('.')[:2])}"
    if namespace == "ubuntu":
        plain = release.removesuffix(ESM)
        return f"{name}:{'Pro:' if plain != release else ''}{plain}{':LTS' if LTS.fullmatch(plain) else ''}"
    return f"{name}:{release.split('.')[0]}"


def _licenses(component: dict[str, Any]) -> Iterator[str]:
    for one in (component.get("licenses") or [])[:20]:
        if (
            name := one.get("expression")
            or (one.get("license") or {}).get("id")
            or (one.get("license") or {}).get("name")
        ):
            yield sound(str(name))[:120]
