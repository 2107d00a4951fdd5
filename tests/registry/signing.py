"""Signatures as cosign makes them, in both layouts, made with `cryptography`: what tests of the registry store."""

import hashlib
import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, HashAlgorithm

from registry.trust import keys

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
EMPTY = b"{}"


@dataclass(frozen=True)
class Signed:
    """A signature's manifest and the blobs that it names, by digest."""

    manifest: dict[str, Any]
    blobs: dict[str, bytes]


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def tag(subject: str) -> str:
    """Return the tag under which cosign keeps a signature in the older layout."""
    return f"{subject.replace(':', '-')}.sig"


def private_key() -> ec.EllipticCurvePrivateKey:
    """Return a new key such as cosign makes."""
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: PrivateKey) -> str:
    """Return the public key as people paste it."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def trusted(key: PrivateKey) -> keys.TrustedKey:
    return keys.parse(pem(key))


def sign(key: PrivateKey, message: bytes, used: HashAlgorithm | None = None) -> str:
    """Return a signature in base64."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return b64encode(key.sign(message, ec.ECDSA(used or SHA256()))).decode()
    if isinstance(key, rsa.RSAPrivateKey):
        return b64encode(key.sign(message, padding.PKCS1v15(), used or SHA256())).decode()
    return b64encode(key.sign(message)).decode()


def descriptor(media_type: str, content: bytes, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "size": len(content), "digest": sha256(content), **more}


def payload(subject: str) -> dict[str, Any]:
    """Return what is signed in the older layout."""
    identity, image = {"docker-reference": "registry.test/shop/web"}, {"docker-manifest-digest": subject}
    critical = {"identity": identity, "image": image, "type": "cosign container image signature"}
    return {"critical": critical, "optional": None}


def statement(subject: str) -> dict[str, Any]:
    """Return what is signed in a bundle."""
    named = {"name": "registry.test/shop/web", "digest": {"sha256": subject.removeprefix("sha256:")}}
    kind, predicate = "https://in-toto.io/Statement/v1", "https://sigstore.dev/cosign/sign/v1"
    return {"_type": kind, "subject": [named], "predicateType": predicate, "predicate": {}}


def legacy(subject: str, key: PrivateKey, used: HashAlgorithm | None = None) -> Signed:
    """Return a signature in the older layout, to be kept under `tag(subject)`."""
    return simple(json.dumps(payload(subject)).encode(), key, used)


def simple(content: bytes, *signers_and_hash: Any) -> Signed:
    """Return a manifest of the older layout with one layer over any content."""
    key, used = (*signers_and_hash, None)[:2]
    made = {"dev.cosignproject.cosign/signature": sign(key, content, used)}
    diffs = {"architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers", "diff_ids": [sha256(content)]}}
    config = json.dumps(diffs).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", config),
        "layers": [descriptor(SIMPLE, content, annotations=made)],
    }
    return Signed(manifest, {sha256(content): content, sha256(config): config})


def bundle(subject: str, key: PrivateKey, used: HashAlgorithm | None = None) -> Signed:
    """Return a signature as a bundle, whose manifest names the subject."""
    return bundled(enveloped(statement(subject), key, used), subject)


def enveloped(content: dict[str, Any], key: PrivateKey, used: HashAlgorithm | None = None) -> dict[str, Any]:
    """Return a bundle around any statement."""
    kind, body = "application/vnd.in-toto+json", json.dumps(content).encode()
    signed = f"DSSEv1 {len(kind)} {kind} {len(body)} ".encode() + body
    envelope = {
        "payloadType": kind,
        "payload": b64encode(body).decode(),
        "signatures": [{"sig": sign(key, signed, used)}],
    }
    material = {"publicKey": {"hint": trusted(key).hint}}
    return {"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope}


def bundled(content: object, subject: str) -> Signed:
    """Return a manifest with any bundle."""
    blob = content if isinstance(content, bytes) else json.dumps(content).encode()
    about = {"mediaType": MANIFEST, "digest": subject, "size": 500}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": BUNDLE,
        "config": descriptor("application/vnd.oci.empty.v1+json", EMPTY),
        "layers": [descriptor(BUNDLE, blob)],
        "subject": about,
        "annotations": {"dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1"},
    }
    return Signed(manifest, {sha256(blob): blob, sha256(EMPTY): EMPTY})
