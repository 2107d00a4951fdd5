"""SPDX 2.3 as JSON (https://spdx.github.io/spdx-spec/v2.3/), read into what a CycloneDX component would say."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from registry.scanning.port import Package
from registry.scanning.versions import ecosystem_of

NOTHING: Final = frozenset({"", "NONE", "NOASSERTION"})
BUILT_FROM: Final = re.compile(r"built package from: (\S+) (\S+)")
"""How trivy names what a distribution's package was built from, in `sourceInfo`."""
IMAGE: Final = ("pkg:oci/", "pkg:docker/")
"""What the document is about stands among the packages too."""
NOT_PACKAGES: Final = frozenset({"APPLICATION", "CONTAINER", "OPERATING-SYSTEM", "FILE", "SOURCE"})
BY_SOURCE: Final = frozenset({"Debian", "Ubuntu", "Alpine", "Wolfi", "Chainguard"})
"""Who names in advisories what a package was built from. trivy leaves that out of an SPDX document that it makes of a
CycloneDX one: such a package cannot be looked up, and counts as not assessed."""


def packages(said: dict[str, Any], make: Callable[[dict[str, Any], str], Package]) -> Iterator[Package]:
    """Yield the packages of a document, each made from a component and its purl. Raises ValueError (not 2.x)."""
    if not str(said["spdxVersion"]).startswith("SPDX-2."):
        raise ValueError(f"{said['spdxVersion']} is not 2.3")
    for one in said.get("packages") or []:
        purl = _purl(one)
        if purl.startswith(IMAGE):
            continue
        if purl or one.get("primaryPackagePurpose") not in NOT_PACKAGES:
            made = make(_component(one), purl)
            lost = not made.source and ecosystem_of(made.ecosystem) in BY_SOURCE
            yield replace(made, ecosystem="") if lost else made


def _purl(one: dict[str, Any]) -> str:
    held = (ref for ref in one.get("externalRefs") or [] if ref.get("referenceType") == "purl")
    return next((str(ref.get("referenceLocator") or "") for ref in held), "")


def _component(one: dict[str, Any]) -> dict[str, Any]:
    version = one.get("versionInfo")
    licenses = dict.fromkeys(str(one.get(key) or "") for key in ("licenseConcluded", "licenseDeclared"))
    built = BUILT_FROM.search(str(one.get("sourceInfo") or ""))
    source = {"SrcName": built[1], "SrcVersion": built[2]} if built else {}
    return {
        "name": one.get("name"),
        "version": "" if version in NOTHING else version,
        "licenses": [{"expression": text} for text in licenses if text not in NOTHING],
        "properties": [{"name": f"aquasecurity:trivy:{key}", "value": value} for key, value in source.items()],
    }
