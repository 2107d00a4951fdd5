"""Whom a tenant's clusters trust, and what the tenant's roles may do inside: from the one policy, nowhere else said."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from uuid import UUID

from clusters.engines.base import Grant, Trust, Wanted
from clusters.models import Kubeconfig
from tenants import issuer
from tenants.access import ROLES_FOR
from tenants.models import Role, Tenant, User

HIGHEST_FIRST = (Kubeconfig.Level.ADMIN, Kubeconfig.Level.EDIT, Kubeconfig.Level.VIEW)


def trust_of(cluster_id: UUID) -> Trust | None:
    """Return whom a cluster trusts about people; None where the portal is no issuer."""
    if not issuer.available():
        return None
    return Trust(issuer=issuer.issuer_url(), authority=issuer.authority_pem(), audience=issuer.audience(cluster_id))


def grants_of(tenant: Tenant) -> tuple[Grant, ...]:
    """Return what each role may do in the tenant's clusters; roles that get no kubeconfig may do nothing there."""
    return tuple(Grant(issuer.group_of(tenant, role), level) for role, level in _levels())


def groups_of(user: User, tenant: Tenant) -> list[str]:
    """Return the groups that a person's roles in a tenant give in its clusters."""
    held = user.memberships.filter(tenant=tenant).values_list("role", flat=True).distinct()
    levels = dict(_levels())
    return sorted(issuer.group_of(tenant, role) for role in held if role in levels)


def fingerprint(wanted: Wanted) -> str:
    """Return what tells one state of trust and grants from another; never empty."""
    said = {"trust": asdict(wanted.trust) if wanted.trust else None, "grants": [asdict(one) for one in wanted.grants]}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]


def _levels() -> Iterator[tuple[Role, str]]:
    """Yield each role of a tenant with the highest level at which it gets a kubeconfig."""
    for role in Role:
        level = next((level for level in HIGHEST_FIRST if role in ROLES_FOR[f"kubeconfig.{level}"]), None)
        if level is not None:
            yield role, str(level)
