"""SPDX 2.3 as JSON (https://spdx.github.io/spdx-spec/v2.3/), read into what a CycloneDX component would say."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from registry.scanning.port import Package

NOTHING: Final = frozenset({"", "NONE", "NOASSERTION"})
BUILT_FROM: Final = re.compile(r"built package from: (\S+) (\S+)")
"""How trivy and syft-like tools name the source of a distribution's package, in `sourceInfo`."""
NOT_PACKAGES: Final = frozenset({"APPLICATION", "CONTAINER", "OPERATING-SYSTEM", "FILE", "SOURCE"})


def packages(said: dict[str, Any], make: Callable[[dict[str, Any], str], Package]) -> Iterator[Package]:
    """Yield the packages of a document, each made from a component and its purl. Raises ValueError (not 2.x)."""
    if not str(said["spdxVersion"]).startswith("SPDX-2."):
        raise ValueError(f"{said['spdxVersion']} is not 2.3")
    for one in said.get("packages") or []:
        purl = _purl(one)
        if purl or one.get("primaryPackagePurpose") not in NOT_PACKAGES:
            yield make(_component(one), purl)


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
