"""Versions that can be compared, by the rules of their ecosystem; what those rules cannot read is never guessed."""

import re
from collections.abc import Mapping
from typing import Any, Final

from univers import versions as univers
from univers.nuget import InvalidNuGetVersion
from univers.versions import InvalidVersion

KINDS: Final[Mapping[str, Any]] = {
    "PyPI": univers.PypiVersion, "npm": univers.SemverVersion, "Go": univers.GolangVersion,
    "Maven": univers.MavenVersion, "crates.io": univers.SemverVersion, "RubyGems": univers.RubygemsVersion,
    "NuGet": univers.NugetVersion, "Packagist": univers.ComposerVersion, "Debian": univers.DebianVersion,
    "Ubuntu": univers.DebianVersion, "Alpine": univers.AlpineLinuxVersion, "Wolfi": univers.AlpineLinuxVersion,
    "Chainguard": univers.AlpineLinuxVersion, "Red Hat": univers.RpmVersion, "Rocky Linux": univers.RpmVersion,
    "AlmaLinux": univers.RpmVersion, "Oracle Linux": univers.RpmVersion, "Amazon Linux": univers.RpmVersion,
    "Photon OS": univers.RpmVersion, "Azure Linux": univers.RpmVersion, "openSUSE": univers.RpmVersion,
    "SUSE": univers.RpmVersion,
}  # fmt: skip
SOUND: Final = re.compile(r"(?=.*[0-9])[0-9A-Za-z.+~^:!_-]+")
"""What any version looks like. univers takes every text for one of Maven or RPM: "", "latest", "${project.version}"."""
SEMANTIC: Final = re.compile(r"\d+(\.\d+){0,2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
"""univers reads "1.x" and "1.2.3.4" as 1.0.0 and 1.2.3, which would be a guess."""
PATTERNS: Final = {"npm": SEMANTIC, "Go": SEMANTIC, "crates.io": SEMANTIC, "Packagist": re.compile(r"\d+(\.\d+){0,2}")}
"""Where SOUND says too little. Of Packagist only releases: univers sorts "beta10" before "beta9", "-p1" before none."""
RELEASE: Final = re.compile(r"(?<![a-z])release(?![a-z])", re.IGNORECASE)
"""Which is nothing to Maven, as "ga" and "final" are; univers takes it for more ("5.0.0.RELEASE")."""
UNREADABLE: Final = (InvalidVersion, InvalidNuGetVersion, ValueError, TypeError, AttributeError, LookupError)


class Incomparable(ValueError):
    """A version that its ecosystem's rules cannot read."""


def ecosystem_of(name: str) -> str:
    """Return an ecosystem without its release: "Debian" of "Debian:12"."""
    return name.partition(":")[0]


def comparable(ecosystem: str, text: str) -> Any:
    """Return a version that can be compared with others of its ecosystem. Raises Incomparable."""
    name = ecosystem_of(ecosystem)
    if (kind := KINDS.get(name)) is None:
        raise Incomparable(f"{ecosystem} has no order of versions here")
    plain = text.removeprefix("v") if name in {"Go", "Packagist"} else text
    plain = RELEASE.sub("ga", plain) if name == "Maven" else plain
    if not PATTERNS.get(name, SOUND).fullmatch(plain):
        raise Incomparable(f"{ecosystem} {text}")
    try:
        return kind(plain)
    except UNREADABLE as error:
        raise Incomparable(f"{ecosystem} {text}") from error
