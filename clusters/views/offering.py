"""What the form for kubeconfigs offers: kinds, levels and lives."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from clusters import credentials
from clusters.models import Cluster, Kubeconfig
from pks_portal.errors import Invalid
from tenants import issuer
from tenants.access import Decision, may
from tenants.models import User

HOURS = (1, 8, 24, 168, 720)
Level = Kubeconfig.Level


def choices(user: User, clusters: Sequence[Cluster]) -> dict[str, Any]:
    """Return what the form offers for these clusters: kinds, levels and lives, each with whether it may be had."""
    return {
        "exec": _exec(clusters),
        "levels": _levels(user, clusters),
        "hours": _hours(credentials.longest_hours()),
        "hours_admin": _hours(credentials.longest_hours(Level.ADMIN)),
        "most_admin": credentials.longest_hours(Level.ADMIN),
        "token_minutes": -(-settings.ISSUER_TOKEN_SECONDS // 60),
    }


def _exec(clusters: Sequence[Cluster]) -> Decision:
    """Say whether any of the clusters knows the portal's sign-in."""
    known = issuer.available() and any(cluster.authority for cluster in clusters)
    refusal = Invalid("error.no_issuer")
    return Decision(allowed=True) if known else Decision(allowed=False, reason=refusal.detail)


def _levels(user: User, clusters: Sequence[Cluster]) -> list[tuple[str, str, Decision]]:
    """Return each level with its words and whether the person may have it somewhere among the clusters."""
    tenants = {cluster.tenant_id: cluster.tenant for cluster in clusters}.values()
    levels = [Level.EDIT, Level.VIEW, Level.ADMIN]
    found = []
    for level in levels:
        decisions = [may(user, f"kubeconfig.{level}", tenant) for tenant in tenants]
        best = next((one for one in decisions if one), decisions[0] if decisions else Decision(allowed=False))
        found.append((str(level), str(level.label), best))
    return found


def _hours(most: int) -> list[int]:
    return [hours for hours in HOURS if hours <= most] or [most]
