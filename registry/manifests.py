"""What a manifest says (OCI image spec 1.1, Docker schema 2): its kind, parts, children and subject.

What is a signature, an attestation or an SBOM, and about what, registry/trust/kinds.py tells.
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
from registry.trust.kinds import INDEXES, attestation_children, kind_of, subject_of

Kind = Artifact.Kind
LARGEST: Final = 4 * 1024 * 1024
MOST_PARTS: Final = 1000
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
TAKEN: Final = frozenset({OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST})
HANGING: Final = re.compile(r"sha256-([0-9a-f]{64})\.(sig|att|sbom)")
"""Tags on which cosign's old layout hangs what is about an image."""


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
    attests = attestation_children(said) if index else {}
    children = [_child(one, attests) for one in _list(said.get("manifests"))] if index else []
    artifact_type = str(said.get("artifactType") or "")[:255]
    subject = subject_of(said, reference)
    return Manifest(
        digest=digest_of(raw),
        media_type=media_type,
        artifact_type=artifact_type or (config.media_type if config else ""),
        kind=kind_of(said, media_type, reference).value,
        raw=raw,
        config=config,
        layers=layers,
        children=children,
        subject=subject or "",
        annotations=_annotations(said.get("annotations")),
    )


def _child(said: dict[str, Any], attests: Mapping[str, str]) -> Child:
    part = _part(said)
    platform = {name: str(value)[:40] for name, value in (said.get("platform") or {}).items() if isinstance(value, str)}
    return Child(part, platform, attests.get(part.digest, ""))


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
