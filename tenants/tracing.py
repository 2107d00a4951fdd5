"""Why somebody has a role: given by hand, or by a mapping of a group, in which they are perhaps through others."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from tenants.directory import sources
from tenants.directory.tracing import Tracer
from tenants.directory.transport import DirectoryUnavailable, Patience
from tenants.models import GroupMapping, Membership, PlatformGrant, Source, Tenant, User

PATIENCE: Final = 3.0  # seconds that a page waits for the directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a person has one role. `tenant` None: on the platform.

    By hand: `by` (username; empty when that is not known) and `at`. By a group: `group` (DN), the mapping's `by` and
    `at`, `synced_at`, and `chain`, the DNs that lead from the person to the group (itself the last), as the directory
    says now; None when it did not answer or does not know of it any more: `unknown` says which.
    """

    tenant: Tenant | None
    role: str
    label: str
    source: str
    by: str = ""
    at: datetime | None = None
    group: str = ""
    synced_at: datetime | None = None
    chain: list[str] | None = None
    unknown: str = field(default="")

    @property
    def by_group(self) -> bool:
        return self.source == Source.DIRECTORY

    @property
    def links(self) -> list[str]:
        """The chain in short names: "payments-oncall", "payments-operators"."""
        return [short_name(dn) for dn in self.chain or []]

    @property
    def group_name(self) -> str:
        return short_name(self.group)


def why(user: User, tenant: Tenant | None) -> list[Reason]:
    """Return why the person has each role that counts in the tenant: its own, and the platform's (None: only those).

    Asks the directory, for at most a few seconds, when a role comes from a group.
    """
    rows: list[Membership | PlatformGrant] = [*_grants(user)]
    if tenant is not None:
        rows = [*_memberships(user).filter(tenant=tenant), *rows]
    return _reasons(user, rows)


def why_all(user: User) -> list[Reason]:
    """Return why the person has each role that they have anywhere."""
    return _reasons(user, [*_grants(user), *_memberships(user)])


def short_name(dn: str) -> str:
    """Return the first part of a DN without its attribute: "payments-admins"."""
    return dn.partition(",")[0].partition("=")[2].replace("\\", "") or dn


def _memberships(user: User) -> QuerySet[Membership]:
    return Membership.objects.filter(user=user).select_related("tenant", "given_by").order_by("tenant__slug", "role")


def _grants(user: User) -> QuerySet[PlatformGrant]:
    return PlatformGrant.objects.filter(user=user).select_related("given_by").order_by("role")


def _reasons(user: User, rows: list[Membership | PlatformGrant]) -> list[Reason]:
    groups = {row.via for row in rows if row.source == Source.DIRECTORY and row.via}
    chains, trouble = _chains(user, groups)
    mappings = _mappings(groups)
    return [
        _by_group(user, row, chains, mappings, trouble) if row.source == Source.DIRECTORY else _by_hand(row)
        for row in rows
    ]


def _by_hand(row: Membership | PlatformGrant) -> Reason:
    return Reason(
        tenant=getattr(row, "tenant", None),
        role=row.role,
        label=row.get_role_display(),
        source=row.source,
        by=row.given_by.username if row.given_by else row.via,
        at=row.given_at,
    )


def _by_group(
    user: User,
    row: Membership | PlatformGrant,
    chains: dict[str, list[str]],
    mappings: dict[tuple[str, int | None, str], GroupMapping],
    trouble: str,
) -> Reason:
    tenant: Tenant | None = getattr(row, "tenant", None)
    mapping = mappings.get((row.via, tenant.pk if tenant else None, row.role))
    chain = chains.get(row.via)
    return Reason(
        tenant=tenant,
        role=row.role,
        label=row.get_role_display(),
        source=row.source,
        by=mapping.made_by.username if mapping and mapping.made_by else "",
        at=mapping.made_at if mapping else None,
        group=row.via,
        synced_at=user.roles_synced_at,
        chain=chain,
        unknown=""
        if chain
        else trouble or _("The directory does not know of it any more; the next sync takes it away."),
    )


def _mappings(groups: Iterable[str]) -> dict[tuple[str, int | None, str], GroupMapping]:
    rows = GroupMapping.objects.filter(group_dn__in=groups).select_related("made_by")
    return {(row.group_dn, row.tenant_id, row.role): row for row in rows}


def _chains(user: User, groups: set[str]) -> tuple[dict[str, list[str]], str]:
    """Return the chain to each group, and what to say where there is none."""
    if not groups:
        return {}, ""
    source = user.directory_source
    config = sources.config_of(source) if source else None
    if config is None or not config.uris or not user.directory_id:
        return {}, _("No directory is configured that could be asked.")
    try:
        return Tracer(config, Patience(PATIENCE)).chains(user.username, user.directory_id, groups), ""
    except DirectoryUnavailable:
        return {}, _("The directory does not answer; this is how it was when it was last read.")
