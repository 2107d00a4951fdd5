"""The portal as OpenID Connect issuer for its clusters: who somebody is, in a token that lives five minutes.

API servers trust `issuer_url()` under the authority `authority_pem()`, and take only tokens for their own cluster
(`audience`), so that one cluster's administrators can do nothing with a token on another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import jwt
from django.conf import settings
from django.utils import timezone

from tenants.issuer import signing
from tenants.models import Tenant, User

SKEW: Final = timedelta(seconds=30)
"""How far an API server's clock may be behind ours."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who somebody is to a cluster: `subject` never changes, `username` may."""

    subject: str
    username: str
    name: str


PORTAL: Final = Bearer("portal", "portal", "PKS Portal")
"""The portal itself, which asks whether it is believed and may do nothing."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A token for one cluster, and when it ends."""

    token: str
    expires: datetime


def available() -> bool:
    """Say whether API servers can ask the issuer: its own listener has certificates, or another address was set."""
    return bool(authority_pem()) or settings.ISSUER_IS_ELSEWHERE


def issuer_url() -> str:
    """Return the issuer, always https: API servers take no other."""
    url: str = settings.ISSUER_URL
    return url


def authority_pem() -> str:
    """Return the certificates (PEM) under which the issuer answers; empty where those of the system do."""
    path = Path(settings.ISSUER_CA_FILE)
    return path.read_text(encoding="ascii") if path.is_file() else ""


def audience(cluster_id: UUID) -> str:
    """Return for whom a cluster's tokens are."""
    return f"pks-cluster-{cluster_id.hex}"


def group_of(tenant: Tenant, role: str) -> str:
    """Return the group that a role in a tenant gives in the tenant's clusters; slugs never change."""
    return f"{tenant.slug}:{role}"


def identity(user: User, cluster_id: UUID, groups: Sequence[str]) -> Identity:
    """Sign who somebody is, for one cluster; the caller has asked whether they may. Raises Unavailable: no key."""
    return sign(Bearer(f"{user.pk}", user.username, user.display_name or user.username), cluster_id, groups)


def sign(bearer: Bearer, cluster_id: UUID, groups: Sequence[str]) -> Identity:
    """Sign that a bearer is in these groups, for one cluster. Raises Unavailable: no key."""
    now = timezone.now()
    expires = (now + timedelta(seconds=settings.ISSUER_TOKEN_SECONDS)).replace(microsecond=0)
    claims = {
        "iss": issuer_url(),
        "aud": audience(cluster_id),
        "sub": bearer.subject,
        "preferred_username": bearer.username,
        "name": bearer.name,
        "groups": list(groups),
        "iat": int((now - SKEW).timestamp()),
        "nbf": int((now - SKEW).timestamp()),
        "exp": int(expires.timestamp()),
        "jti": uuid4().hex,
    }
    name, key = signing.current()
    return Identity(jwt.encode(claims, key, algorithm="RS256", headers={"kid": name}), expires)


def published() -> list[dict[str, Any]]:
    """Return every public key that is in use or will be (JWK)."""
    return signing.published()
