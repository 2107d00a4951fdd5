"""Telling what a manifest is, and what it accompanies.

A kind is told by what a manifest holds, never by its tag alone: what accompanies an image is exempt from what images
must obey, so an image that runs must not pass for a signature because somebody tagged it like one.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from registry.trust import reading
from registry.trust.claims import BUNDLES, IN_TOTO, SIGNED, SIMPLE_SIGNING
from registry.trust.signatures import NOTATION


class Kind(StrEnum):
    IMAGE = "image"
    INDEX = "index"
    SIGNATURE = "signature"
    ATTESTATION = "attestation"
    SBOM = "sbom"
    CHART = "chart"
    OTHER = "other"


ACCESSORIES: Final = frozenset({Kind.SIGNATURE, Kind.ATTESTATION, Kind.SBOM})
"""What accompanies an image, and is neither run nor scanned."""
INDEXES: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
RUNNABLE: Final = ("application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json")
"""Media types of the configuration of what container engines run."""
CHART: Final = "application/vnd.cncf.helm.config.v1+json"
PREDICATE: Final = "dev.sigstore.bundle.predicateType"

_SBOM: Final = (
    "text/spdx", "text/spdx+json", "application/spdx+json", "application/vnd.cyclonedx", "application/vnd.syft+json",
    "application/vnd.cyclonedx+json", "application/vnd.cyclonedx+xml", "application/vnd.goharbor.harbor.sbom.v1",
)  # fmt: skip
_LAYERS: Final = {
    SIMPLE_SIGNING: Kind.SIGNATURE,
    **dict.fromkeys(BUNDLES, Kind.SIGNATURE),
    "application/vnd.dsse.envelope.v1+json": Kind.ATTESTATION,
    IN_TOTO: Kind.ATTESTATION,
    **dict.fromkeys(_SBOM, Kind.SBOM),
}
"""Media type that all layers have → what the manifest is."""
_ARTIFACTS: Final = {
    **_LAYERS,
    "application/vnd.dev.cosign.artifact.sig.v1+json": Kind.SIGNATURE,
    NOTATION: Kind.SIGNATURE,
    "application/vnd.docker.attestation.manifest.v1+json": Kind.ATTESTATION,
}
"""Type that a manifest gives itself → what it is, where no engine would run it."""
_COSIGN_TAG: Final = re.compile(r"sha256-([0-9a-f]{64})\.(?:sig|att|sbom)")
_REFERRERS_TAG: Final = re.compile(r"sha256-[0-9a-f]{64}")
_UNKNOWN: Final = ("unknown", "unknown")
_REFERENCE: Final = "vnd.docker.reference.digest"


def kind_of(manifest: Mapping[str, Any], media_type: str, tag: str | None) -> Kind:
    """Return what a manifest is; `media_type` is what it was sent as, "" where only the manifest itself says it.

    A list of referrers, which clients keep under the tag "sha256-<hex>" of an index, is OTHER, and so is what claims
    to be an index and an image at once.
    """
    children, config = "manifests" in manifest, "config" in manifest or "layers" in manifest
    declared = media_type or reading.text(manifest, "mediaType")
    if declared in INDEXES or (children and not declared):
        return Kind.OTHER if config or _lists_referrers(manifest, tag) else Kind.INDEX
    if children:
        return Kind.OTHER
    if (accessory := _accessory(manifest)) is not None:
        return accessory
    configured = reading.text(manifest, "config", "mediaType")
    return Kind.IMAGE if configured in RUNNABLE else Kind.CHART if configured == CHART else Kind.OTHER


def subject_of(manifest: Mapping[str, Any], tag: str | None) -> str | None:
    """Return the digest of what a manifest accompanies, or None.

    It says so itself (`subject`), or is what cosign keeps under a tag "sha256-<hex>.sig", ".att" or ".sbom".
    """
    if subject := reading.digest(manifest, "subject", "digest"):
        return subject
    tagged = _COSIGN_TAG.fullmatch(tag or "")
    return f"sha256:{tagged[1]}" if tagged and _accessory(manifest) is not None else None


def attestation_children(index: Mapping[str, Any]) -> dict[str, str]:
    """Return the attestations that BuildKit put into an index: digest → digest of the image that each is about.

    That is what the index says; whether a child is an attestation, its own manifest tells (`kind_of`).
    """
    found = {}
    for child in reading.rows(index, "manifests"):
        platform = (reading.text(child, "platform", "os"), reading.text(child, "platform", "architecture"))
        said = reading.text(child, "annotations", "vnd.docker.reference.type")
        digest, subject = reading.digest(child, "digest"), reading.digest(child, "annotations", _REFERENCE)
        if platform == _UNKNOWN and said == "attestation-manifest" and digest and subject:
            found[digest] = subject
    return found


def _accessory(manifest: Mapping[str, Any]) -> Kind | None:
    layers = {_LAYERS.get(reading.text(layer, "mediaType")) for layer in reading.rows(manifest, "layers")}
    kind = layers.pop() if len(layers) == 1 else None
    config = reading.text(manifest, "config", "mediaType")
    if kind is None and config not in RUNNABLE:
        kind = _ARTIFACTS.get(reading.text(manifest, "artifactType") or config)
    attests = reading.text(manifest, "annotations", PREDICATE) not in {"", SIGNED}
    return Kind.ATTESTATION if kind is Kind.SIGNATURE and attests else kind


def _lists_referrers(index: Mapping[str, Any], tag: str | None) -> bool:
    children = reading.rows(index, "manifests")
    return bool(_REFERRERS_TAG.fullmatch(tag or "")) and all("artifactType" in child for child in children)
