"""Checking signatures of cosign with keys that people trust, from bytes alone; made for hostile input: nothing raises.

Keyless signatures (certificates of a sigstore authority) and those of notation are told apart, but not checked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from registry.trust import claims, reading
from registry.trust.claims import Claim, Reason, Refused
from registry.trust.keys import TrustedKey

LARGEST: Final = 2**20
"""Bytes of a blob that is looked at; a signature has a few hundred, a bundle a few thousand."""
MOST: Final = 32
"""Layers that are looked at, the last ones: cosign adds a new signature at the end."""
NOTATION: Final = "application/vnd.cncf.notary.signature"
_ORDER: Final = tuple(Reason)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A blob to fetch: digest ("sha256:…") and size in bytes, at most LARGEST, as the manifest says."""

    digest: str
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which trusted key signed the subject (its fingerprint), or "" and the reason why none did."""

    fingerprint: str = ""
    reason: Reason | None = None

    @property
    def valid(self) -> bool:
        """Whether a trusted key signed the subject."""
        return self.reason is None

    @property
    def key(self) -> str:
        """The text that says so: "signature.valid" or "signature.<reason>"."""
        return f"signature.{self.reason or 'valid'}"


def needed_blobs(manifest: Mapping[str, Any]) -> list[Descriptor]:
    """Return the blobs that `verify` needs of a signature's manifest, each once; none where it is no signature.

    A layer whose digest or size is not sane or whose size is more than LARGEST is left out: `verify` says "malformed".
    """
    found: dict[str, Descriptor] = {}
    for layer in _layers(manifest):
        digest, size = reading.digest(layer, "digest"), layer.get("size")
        if digest and type(size) is int and 0 < size <= LARGEST:
            found[digest] = Descriptor(digest, size, reading.text(layer, "mediaType"))
    return list(found.values())


def verify(
    subject_digest: str, manifest: Mapping[str, Any], blobs: Mapping[str, bytes], keys: Sequence[TrustedKey]
) -> Verdict:
    """Say whether one of the keys signed `subject_digest` ("sha256:…") in a signature's manifest.

    `blobs`: digest → content, of `needed_blobs`. One good signature is enough; without any, the reason is that of the
    one that came nearest.
    """
    reasons = [_without_layers(manifest)]
    for layer in _layers(manifest):
        try:
            claim = claims.read(layer, _blob(layer, blobs))
            return Verdict(_signer(claim, subject_digest, keys).fingerprint)
        except Refused as refusal:
            reasons.append(refusal.reason)
    return Verdict(reason=max(reasons, key=_ORDER.index))


def _layers(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the layers that may be signatures, also those of a kind that is not checked."""
    found = reading.rows(manifest, "layers")
    kinds = (claims.SIMPLE_SIGNING, claims.OLDER_BUNDLES)
    return [layer for layer in found if reading.text(layer, "mediaType").startswith(kinds)][-MOST:]


def _without_layers(manifest: Mapping[str, Any]) -> Reason:
    named = (reading.text(manifest, "artifactType"), reading.text(manifest, "config", "mediaType"))
    return Reason.UNSUPPORTED if NOTATION in named else Reason.NOT_A_SIGNATURE


def _blob(layer: Mapping[str, Any], blobs: Mapping[str, bytes]) -> bytes | None:
    blob = blobs.get(reading.digest(layer, "digest"))
    return blob if blob is not None and len(blob) == layer.get("size") and len(blob) <= LARGEST else None


def _signer(claim: Claim, subject_digest: str, keys: Sequence[TrustedKey]) -> TrustedKey:
    """Return the key that signed the subject; the hinted one is tried first. Raises Refused."""
    for key in sorted(keys, key=lambda one: one.hint != claim.hint):
        if key.made(claim.signature, claim.message):
            if subject_digest not in claim.subjects:
                raise Refused(Reason.OTHER_SUBJECT)
            return key
    raise Refused(Reason.UNSUPPORTED if claim.certified else Reason.WRONG_KEY)
