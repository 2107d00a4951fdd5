"""Distributions, as purls name them, in OSV's words: "Debian:12" for packages of "debian" with distro=debian-12.5."""

import re
from collections.abc import Mapping
from typing import Final

TYPES: Final = frozenset({"deb", "rpm", "apk"})
NAMES: Final[Mapping[str, str]] = {
    "debian": "Debian", "ubuntu": "Ubuntu", "alpine": "Alpine", "redhat": "Red Hat", "rocky": "Rocky Linux",
    "alma": "AlmaLinux", "wolfi": "Wolfi", "chainguard": "Chainguard", "centos": "Red Hat", "oracle": "Oracle Linux",
    "amazon": "Amazon Linux", "photon": "Photon OS", "azurelinux": "Azure Linux", "cbl-mariner": "Azure Linux",
    "opensuse": "openSUSE", "suse": "SUSE",
}  # fmt: skip
"""A purl's name space → OSV's name of the distribution; ours where OSV has none, or files by what no image tells."""
ROLLING: Final = frozenset({"wolfi", "chainguard"})
LTS: Final = re.compile(r"\d[02468]\.04")
"""Releases of Ubuntu that OSV marks as such: "Ubuntu:22.04:LTS"."""
ESM: Final = "-ESM"
"""What trivy appends to a release of Ubuntu with Ubuntu Pro, "Ubuntu:Pro:18.04:LTS" to OSV."""
CENTOS: Final = frozenset({"6", "7", "8"})
"""Which were Red Hat's of the same number; a CentOS Stream is not."""
AMAZON: Final = frozenset({"2", "2022", "2023"})
SUSE: Final[Mapping[str, str]] = {"leap-": "Leap ", "sles-": "Linux Enterprise "}


def ecosystem(namespace: str, distro: str) -> str:
    """Return the ecosystem of packages with such purls; empty where nobody has advisories of them."""
    name = NAMES.get(namespace, "")
    if namespace in ROLLING:
        return name
    release = _release(namespace, distro.removeprefix(f"{namespace}-"))
    return f"{name}:{release}" if name and release else ""


def _release(namespace: str, text: str) -> str:
    said = text.partition(".")[0]
    match namespace:
        case "alpine" if text:
            said = f"v{'.'.join(text.split('.')[:2])}"
        case "ubuntu":
            plain = text.removesuffix(ESM)
            said = f"{'Pro:' if plain != text else ''}{plain}{':LTS' if LTS.fullmatch(plain) else ''}"
        case "amazon" if text:  # "2 (Karoo)", "2023.3.20240131 (Amazon Linux)"; older ones are all 1: "2018.03"
            number = said.partition(" ")[0]
            said = number if number in AMAZON else "1"
        case "centos":
            said = said if said in CENTOS else ""
        case "photon":
            said = text
        case "opensuse" | "suse":
            said = next((name + text.removeprefix(kind) for kind, name in SUSE.items() if text.startswith(kind)), "")
    return said
