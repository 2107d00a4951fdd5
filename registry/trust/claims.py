"""What one stored signature claims, read from its bytes in either of cosign's layouts; nothing is checked yet.

Sources: cosign's SIGNATURE_SPEC and BUNDLE_SPEC, sigstore's bundle format v0.3, DSSE v1, in-toto Statement v1. Both
layouts were checked against cosign 3.1.3.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from registry.trust import reading
from registry.trust.reading import Malformed

SIMPLE_SIGNING: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
BUNDLE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"
BUNDLES: Final = (BUNDLE, "application/vnd.dev.sigstore.bundle+json;version=0.3")
OLDER_BUNDLES: Final = "application/vnd.dev.sigstore.bundle"
"""How the media type of every bundle begins; those before v0.3 are not read here."""
SIGNATURE: Final = "dev.cosignproject.cosign/signature"
CERTIFICATE: Final = "dev.sigstore.cosign/certificate"
IN_TOTO: Final = "application/vnd.in-toto+json"
STATEMENTS: Final = ("https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1")
SIGNED: Final = "https://sigstore.dev/cosign/sign/v1"
"""The predicate of a signature; another one makes the same envelope an attestation."""
PAYLOAD: Final = "cosign container image signature"


class Reason(StrEnum):
    """Why something counts as no signature, in the order of how near it came; the text is "signature.<value>"."""

    NOT_A_SIGNATURE = "not_a_signature"
    UNSUPPORTED = "unsupported"
    MALFORMED = "malformed"
    WRONG_KEY = "wrong_key"
    OTHER_SUBJECT = "other_subject"


class Refused(Exception):
    """It cannot be checked, for this reason."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Claim:
    """`signature` is over `message`, which names the digests `subjects`.

    `hint` may name the key (base64 of the SHA-256 of its DER). `certified`: made with a certificate, not with a key.
    """

    signature: bytes
    message: bytes
    subjects: frozenset[str]
    hint: str = ""
    certified: bool = False


def read(layer: Mapping[str, Any], blob: bytes | None) -> Claim:
    """Return what a layer of a signature's manifest claims; the blob must be the layer's. Raises Refused."""
    media_type = reading.text(layer, "mediaType")
    if media_type not in READERS:
        raise Refused(Reason.UNSUPPORTED if media_type.startswith(OLDER_BUNDLES) else Reason.NOT_A_SIGNATURE)
    if blob is None or f"sha256:{hashlib.sha256(blob).hexdigest()}" != reading.digest(layer, "digest"):
        raise Refused(Reason.MALFORMED)
    try:
        return READERS[media_type](layer, blob)
    except Malformed as error:
        raise Refused(Reason.MALFORMED) from error


def _simple(layer: Mapping[str, Any], blob: bytes) -> Claim:
    """Read the older layout: the blob itself is signed, the signature is an annotation of its layer."""
    critical = reading.inner(reading.parsed(blob), "critical")
    subject = reading.digest(critical, "image", "docker-manifest-digest")
    if reading.text(critical, "type") != PAYLOAD or not subject:
        raise Malformed
    signature = _signature(reading.text(layer, "annotations", SIGNATURE))
    certified = bool(reading.text(layer, "annotations", CERTIFICATE))
    return Claim(signature, blob, frozenset({subject}), certified=certified)


def _bundled(_layer: Mapping[str, Any], blob: bytes) -> Claim:
    """Read a bundle: the blob holds an envelope (DSSE) around a statement (in-toto) about the subjects."""
    bundle = reading.parsed(blob)
    envelope, material = reading.inner(bundle, "dsseEnvelope"), reading.inner(bundle, "verificationMaterial")
    if envelope is None and reading.inner(bundle, "messageSignature") is not None:
        raise Refused(Reason.UNSUPPORTED)
    if reading.text(envelope, "payloadType") != IN_TOTO:
        raise Malformed
    payload = reading.decoded(reading.text(envelope, "payload"))
    subjects = _subjects(reading.parsed(payload))
    signatures = reading.rows(envelope, "signatures")
    if len(signatures) != 1:  # sigstore's clients refuse any other number too
        raise Malformed
    return Claim(
        signature=_signature(reading.text(signatures[0], "sig")),
        message=pre_authentication_encoding(IN_TOTO, payload),
        subjects=subjects,
        hint=reading.text(material, "publicKey", "hint"),
        certified=any(reading.inner(material, name) for name in ("certificate", "x509CertificateChain")),
    )


READERS: Final = {SIMPLE_SIGNING: _simple} | dict.fromkeys(BUNDLES, _bundled)
"""Media type of a layer → how it is read."""


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Return what DSSE v1 signs."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _subjects(statement: object) -> frozenset[str]:
    if reading.text(statement, "_type") not in STATEMENTS:
        raise Malformed
    if reading.text(statement, "predicateType") != SIGNED:
        raise Refused(Reason.NOT_A_SIGNATURE)
    named = (f"sha256:{reading.text(one, 'digest', 'sha256')}" for one in reading.rows(statement, "subject"))
    return frozenset(digest for digest in named if reading.DIGEST.fullmatch(digest))


def _signature(encoded: str) -> bytes:
    if not (signature := reading.decoded(encoded)):
        raise Malformed
    return signature
