"""Registry tokens: signed by a leaf under the portal's authority, which the registry trusts since its start.

So the leaf changes without the registry noticing. Format and claims: distribution's spec "Token Authentication
Implementation"; the certificate travels in `x5c` (RFC 7515, 4.1.6). Debian's 2.8 takes `aud` as a text only.
"""

import base64
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from django.utils import timezone

from pks_portal import authority, paths
from registry.serving import ISSUER, SERVICE

SECONDS: Final = 300
PORTAL: Final = "portal"
"""The kind of token that the portal makes for itself: no policy, and nothing is counted."""
LEAF: Final = "registry-token"
LEEWAY: Final = 60
"""Seconds for which the registry itself still takes a token that is over."""
LONGEST: Final = 16384
ANEW: Final = 30
"""Seconds after which a signature is checked anew: a client shows its token with each of a hundred requests."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a sound token says: who holds it, and per repository the actions."""

    subject: str
    kind: str
    id: str
    access: Mapping[str, frozenset[str]] = field(default_factory=dict)
    catalog: bool = False

    def may(self, action: str, repository: str) -> bool:
        return action in self.access.get(repository, frozenset())


@dataclass(frozen=True, slots=True)
class Issued:
    """A token with its seconds and when it was made."""

    token: str
    expires_in: int
    issued_at: datetime


def issue(subject: str, kind: str, key: str, access: Iterable[Mapping[str, Any]], *, seconds: int = SECONDS) -> Issued:
    """Sign a token; `access` as the spec has it: {"type", "name", "actions"}. Raises KeyRingError."""
    certificate, own = _leaf()
    now = timezone.now()
    moment = int(now.timestamp())
    claims = {
        "iss": ISSUER, "sub": subject, "aud": SERVICE, "exp": moment + seconds, "nbf": moment - 10, "iat": moment,
        "jti": uuid.uuid4().hex, "access": list(access), "who": {"kind": kind, "id": key},
    }  # fmt: skip
    encoded = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    return Issued(jwt.encode(claims, own, algorithm="ES256", headers={"x5c": [encoded]}), seconds, now)


def for_portal(repository: str, *actions: str, seconds: int = 60) -> str:
    """Return the Authorization header with which the portal itself works in a repository."""
    access = [{"type": "repository", "name": repository, "actions": list(actions)}]
    return "Bearer " + issue("portal", PORTAL, "", access, seconds=seconds).token


def read(token: str) -> Claims | None:
    """Return what a token says; None where it is not ours, over, or nothing at all."""
    if len(token) > LONGEST:
        return None
    now = int(timezone.now().timestamp())
    try:
        claims, over = _sound(token, _root(), now // ANEW)
    except (jwt.PyJWTError, KeyError, IndexError, TypeError, ValueError):
        return None
    return claims if now < over + LEEWAY else None


@lru_cache(maxsize=512)
def _sound(token: str, root: bytes, _period: int) -> tuple[Claims, int]:
    """Return what a sound token says, and when it is over; what is not sound raises, and is not remembered."""
    public = _trusted(jwt.get_unverified_header(token)["x5c"][0], root)
    said = jwt.decode(token, public, algorithms=["ES256"], audience=SERVICE, issuer=ISSUER, leeway=LEEWAY)
    return _claims(said), int(said["exp"])


def _claims(said: Mapping[str, Any]) -> Claims:
    access = {one["name"]: frozenset(one["actions"]) for one in said["access"] if one["type"] == "repository"}
    catalog = any(one["type"] == "registry" and one["name"] == "catalog" and one["actions"] for one in said["access"])
    return Claims(said["sub"], said["who"]["kind"], said["who"]["id"], access, catalog)


def _leaf() -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """Return the certificate and key that sign now; looked at anew once an hour."""
    return _leaf_of(int(timezone.now().timestamp()) // 3600)


@lru_cache(maxsize=1)
def _leaf_of(_hour: int) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    return authority.leaf(paths.data(), LEAF)


def _root() -> bytes:
    """Return the authority's certificate; a new one is seen within a second."""
    return _root_of(str(paths.data()), int(time.monotonic()))


@lru_cache(maxsize=4)
def _root_of(data: str, _second: int) -> bytes:
    return (Path(data) / "issuer" / "ca.pem").read_bytes()


@lru_cache(maxsize=16)
def _trusted(encoded: str, root: bytes) -> ec.EllipticCurvePublicKey:
    """Return the key of a certificate that the authority has issued for tokens. Raises ValueError."""
    certificate = x509.load_der_x509_certificate(base64.b64decode(encoded, validate=True))
    public = certificate.public_key()
    named = certificate.subject.rfc4514_string() == f"CN={LEAF}"
    if not named or not authority.issued_by(certificate, x509.load_pem_x509_certificate(root)):
        raise ValueError("not a certificate for tokens")
    if certificate.not_valid_after_utc < datetime.now(UTC):  # noqa: TID251 - a certificate's own time
        raise ValueError("over")
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise TypeError("not an elliptic curve")
    return public
