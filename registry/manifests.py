"""What a manifest says (OCI image spec 1.1, Docker schema 2): its kind, parts, children and subject.

Signatures, attestations and SBOMs are told by their media types: cosign's old layout hangs them on a tag
("sha256-<hex>.sig"), the new one on `subject`; BuildKit puts attestations among an index's children.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pks_portal.errors import Invalid
from registry.models import Artifact
from registry.names import is_digest

Kind = Artifact.Kind
LARGEST: Final = 4 * 1024 * 1024
MOST_PARTS: Final = 1000
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
INDEXES: Final = frozenset({OCI_INDEX, DOCKER_LIST})
TAKEN: Final = frozenset({OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST})
IMAGE_CONFIGS: Final = frozenset(
    {"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"}
)
CHART: Final = "application/vnd.cncf.helm.config.v1+json"
SIMPLE_SIGNING: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGSTORE_BUNDLE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIGN_PREDICATE: Final = "https://sigstore.dev/cosign/sign/v1"
PREDICATE: Final = "dev.sigstore.bundle.predicateType"
SIGNATURES: Final = frozenset(
    {SIMPLE_SIGNING, "application/vnd.dev.cosign.artifact.sig.v1+json", "application/vnd.cncf.notary.signature"}
)
ATTESTATIONS: Final = frozenset({"application/vnd.in-toto+json", "application/vnd.dsse.envelope.v1+json"})
SBOMS: Final = ("spdx", "cyclonedx", "vnd.syft", "goharbor.harbor.sbom")
HANGING: Final = re.compile(r"sha256-([0-9a-f]{64})\.(sig|att|sbom)")
BUILDKIT_TYPE: Final = "vnd.docker.reference.type"
BUILDKIT_DIGEST: Final = "vnd.docker.reference.digest"


@dataclass(frozen=True, slots=True)
class Part:
    """Something that a manifest names: content with its digest and size in bytes."""

    digest: str
    size: int
    media_type: str
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Child:
    """A manifest that an index names; `attests`: the sibling that it only describes (BuildKit)."""

    part: Part
    platform: Mapping[str, Any]
    attests: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest, taken apart. `size`: bytes of itself and its own parts, children not counted."""

    digest: str
    media_type: str
    artifact_type: str
    kind: str
    raw: bytes
    config: Part | None
    layers: Sequence[Part]
    children: Sequence[Child]
    subject: str
    annotations: Mapping[str, str]

    @property
    def parts(self) -> dict[str, int]:
        """Size by digest of everything that must be there with it, itself included."""
        own = {part.digest: part.size for part in ([self.config] if self.config else []) + list(self.layers)}
        return {**own, self.digest: len(self.raw)}

    @property
    def size(self) -> int:
        return sum(self.parts.values())

    @property
    def is_image(self) -> bool:
        return self.kind == Kind.IMAGE and self.config is not None


def digest_of(raw: bytes) -> str:
    """Return the digest of some content."""
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def read(raw: bytes, media_type: str, reference: str = "") -> Manifest:
    """Take a manifest apart; `reference`: the tag under which it comes. Raises Invalid when it cannot be kept."""
    if len(raw) > LARGEST:
        raise Invalid("error.manifest_large", most=LARGEST)
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        raise _wrong("not JSON") from None
    if not isinstance(said, dict):
        raise _wrong("not an object")
    media_type = str(said.get("mediaType") or media_type.partition(";")[0].strip())
    if media_type not in TAKEN:
        raise _wrong(f"media type {media_type[:100]!r}")
    try:
        return _read(said, raw, media_type, reference)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _wrong(f"{type(error).__name__} {error}"[:120]) from None


def _read(said: dict[str, Any], raw: bytes, media_type: str, reference: str) -> Manifest:
    index = media_type in INDEXES
    config = None if index else _part(said["config"])
    layers = [] if index else [_part(one) for one in _list(said.get("layers"))]
    children = [_child(one) for one in _list(said.get("manifests"))] if index else []
    artifact_type = str(said.get("artifactType") or "")[:255]
    annotations = _annotations(said.get("annotations"))
    hanging = HANGING.fullmatch(reference)
    subject = _part(said["subject"]).digest if said.get("subject") else ""
    return Manifest(
        digest=digest_of(raw),
        media_type=media_type,
        artifact_type=artifact_type or (config.media_type if config else ""),
        kind=Kind.INDEX if index else _kind(config, layers, artifact_type, annotations, hanging and hanging[2]),
        raw=raw,
        config=config,
        layers=layers,
        children=children,
        subject=subject or (f"sha256:{hanging[1]}" if hanging else ""),
        annotations=annotations,
    )


def _kind(
    config: Part | None,
    layers: Sequence[Part],
    artifact_type: str,
    annotations: Mapping[str, str],
    hangs_as: str | None,
) -> str:
    types = {artifact_type, config.media_type if config else "", *(layer.media_type for layer in layers)}
    if SIGSTORE_BUNDLE in types:
        signs = annotations.get(PREDICATE, SIGN_PREDICATE) == SIGN_PREDICATE
        return Kind.SIGNATURE if signs else Kind.ATTESTATION
    if types & SIGNATURES or hangs_as == "sig":
        return Kind.SIGNATURE
    if any(word in one for one in types for word in SBOMS) or hangs_as == "sbom":
        return Kind.SBOM
    if types & ATTESTATIONS or hangs_as == "att":
        return Kind.ATTESTATION
    if CHART in types:
        return Kind.CHART
    return Kind.IMAGE if config is not None and config.media_type in IMAGE_CONFIGS and not artifact_type else Kind.OTHER


def _child(said: dict[str, Any]) -> Child:
    part = _part(said)
    platform = {name: str(value)[:40] for name, value in (said.get("platform") or {}).items() if isinstance(value, str)}
    attests = part.annotations.get(BUILDKIT_DIGEST, "")
    attestation = part.annotations.get(BUILDKIT_TYPE) == "attestation-manifest" and is_digest(attests)
    return Child(part, platform, attests if attestation else "")


def _part(said: dict[str, Any]) -> Part:
    digest, size = said["digest"], said["size"]
    if not isinstance(digest, str) or not is_digest(digest):
        raise ValueError("a digest that is not sha256")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 2**62:
        raise ValueError("a size that is none")
    return Part(digest, size, str(said.get("mediaType") or "")[:255], _annotations(said.get("annotations")))


def _list(said: Any) -> list[dict[str, Any]]:
    rows = said or []
    if not isinstance(rows, list) or len(rows) > MOST_PARTS:
        raise ValueError("not a list of parts that can be kept")
    return rows


def _annotations(said: Any) -> dict[str, str]:
    if said is None:
        return {}
    return {str(name): str(value) for name, value in said.items()}


def _wrong(reason: str) -> Invalid:
    return Invalid("error.manifest_invalid", reason=reason)
