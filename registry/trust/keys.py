"""Public keys that people trust: read from pasted text, named by a fingerprint, and asked about signatures."""

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Final, assert_never

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

import registry.trust.messages  # noqa: F401  (the texts of what is raised here)
from pks_portal.errors import Invalid
from registry.trust.reading import Malformed, decoded

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

LONGEST: Final = 16_384
"""Characters of a pasted text: a key of 8192 bits has 1,500."""
RSA_BITS: Final = (2048, 8192)
CURVES: Final = {"secp256r1": "ECDSA P-256", "secp384r1": "ECDSA P-384"}
HASHES: Final[dict[str, tuple[HashAlgorithm, ...]]] = {"secp256r1": (SHA256(),), "secp384r1": (SHA256(), SHA384())}
"""Under P-384 cosign 3 signs with SHA-384, older releases did with SHA-256."""

_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_BLOCK = re.compile(r"-----BEGIN ((?:RSA )?PUBLIC KEY)-----([A-Za-z0-9+/=\s]+)-----END \1-----")


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key.

    `pem`: its text in one spelling, to be stored; `kind`: "ECDSA P-256", "ECDSA P-384", "Ed25519" or "RSA <bits>";
    `fingerprint`: SHA-256 of the key in DER (SubjectPublicKeyInfo), 64 hex digits; `hint`: the same in base64, as
    sigstore's bundles name a key.
    """

    pem: str
    kind: str
    fingerprint: str
    hint: str
    public: PublicKey = field(repr=False, compare=False)

    def made(self, signature: bytes, message: bytes) -> bool:
        """Say whether the private key that belongs to this one made a signature of a message.

        Of Ed25519 the plain form counts, which cosign verifies too. Cosign 3.1.3 itself signs images in the prehashed
        form (Ed25519ph), which neither it nor `cryptography` can verify.
        """
        public = self.public
        try:
            if isinstance(public, ec.EllipticCurvePublicKey):
                return any(_ecdsa(public, signature, message, used) for used in HASHES[public.curve.name])
            if isinstance(public, rsa.RSAPublicKey):
                public.verify(signature, message, padding.PKCS1v15(), SHA256())
            elif isinstance(public, ed25519.Ed25519PublicKey):
                public.verify(signature, message)
            else:
                assert_never(public)
        except InvalidSignature:
            return False
        return True


def parse(pasted: str, field: str = "public_key") -> TrustedKey:
    """Return the public key in a text in PEM, whatever blanks and words stand around it.

    Raises Invalid for `field`: "error.key_private", "error.key_certificate", "error.key_several",
    "error.key_unsupported", "error.key_rsa_bits", "error.key_unreadable". None of them repeats the text.
    """
    if "PRIVATE KEY" in pasted.upper():
        raise Invalid("error.key_private", field=field)
    if len(pasted) > LONGEST:
        raise Invalid("error.key_unreadable", field=field)
    labels = _BEGIN.findall(pasted)
    if len(labels) > 1:
        raise Invalid("error.key_several", field=field)
    if "CERTIFICATE" in labels:
        raise Invalid("error.key_certificate", field=field)
    public = _public(pasted, field)
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return TrustedKey(
        pem=public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        kind=_kind(public),
        fingerprint=hashlib.sha256(der).hexdigest(),
        hint=b64encode(hashlib.sha256(der).digest()).decode(),
        public=public,
    )


def _public(pasted: str, field: str) -> PublicKey:
    """Return the key of the only block. Causes are dropped: they may hold what was pasted."""
    try:
        if (block := _BLOCK.search(pasted)) is None:
            raise Malformed
        public = load_der_public_key(decoded("".join(block[2].split())))
    except UnsupportedAlgorithm:
        raise Invalid("error.key_unsupported", field=field) from None
    except ValueError:
        raise Invalid("error.key_unreadable", field=field) from None
    if isinstance(public, rsa.RSAPublicKey):
        least, most = RSA_BITS
        if not least <= public.key_size <= most:
            raise Invalid("error.key_rsa_bits", field=field, bits=public.key_size, least=least, most=most)
        return public
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in CURVES:
        return public
    if isinstance(public, ed25519.Ed25519PublicKey):
        return public
    raise Invalid("error.key_unsupported", field=field)


def _kind(public: PublicKey) -> str:
    if isinstance(public, ec.EllipticCurvePublicKey):
        return CURVES[public.curve.name]
    return f"RSA {public.key_size}" if isinstance(public, rsa.RSAPublicKey) else "Ed25519"


def _ecdsa(public: ec.EllipticCurvePublicKey, signature: bytes, message: bytes, used: HashAlgorithm) -> bool:
    try:
        public.verify(signature, message, ec.ECDSA(used))
    except InvalidSignature:
        return False
    return True
