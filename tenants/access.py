"""The one answer to "may this user do that here?", for services, the API, pages and websockets alike.

Each app's policy.py declares its actions with `grant`; an action nobody declared is a programming error. Default deny.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _

from pks_portal.errors import Forbidden
from tenants.models import Membership, PlatformGrant, PlatformRole, Role, Tenant, User

Row = TypeVar("Row", bound=models.Model)
Anyone = User | AnonymousUser

ROLES_FOR: dict[str, frozenset[str]] = {}


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes, or no with a reason fit to show."""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


def grant(action: str, *roles: Role | PlatformRole) -> None:
    """Declare which roles, of a tenant or of the platform, may perform an action."""
    ROLES_FOR[action] = frozenset(roles)


def on_platform(user: Anyone, action: str) -> bool:
    """Say whether a platform role lets the user perform the action everywhere, also where there is no tenant."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return False
    return PlatformGrant.objects.filter(user=user, role__in=ROLES_FOR[action]).exists()


def tenants_where(user: Anyone, action: str) -> models.QuerySet[Tenant]:
    """Return the tenants in which the user may perform the action."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return Tenant.objects.none()
    if on_platform(user, action):
        return Tenant.objects.all()
    held = Membership.objects.filter(user=user, role__in=ROLES_FOR[action])
    return Tenant.objects.filter(pk__in=held.values("tenant"))


def people_where(action: str, tenant: Tenant | None) -> models.QuerySet[User]:
    """Return the active people who may perform an action in the tenant, or on the platform when there is none."""
    roles = ROLES_FOR[action]
    able = Q(pk__in=PlatformGrant.objects.filter(role__in=roles).values("user"))
    if tenant is not None:
        able |= Q(pk__in=Membership.objects.filter(tenant=tenant, role__in=roles).values("user"))
    return User.objects.filter(able, is_active=True).order_by("pk")


def may(user: Anyone, action: str, tenant: Tenant | None) -> Decision:
    """Decide, with a reason fit to show when the answer is no; `tenant` None asks about the platform itself."""
    somewhere = tenants_where(user, action)
    if on_platform(user, action) if tenant is None else somewhere.filter(pk=tenant.pk).exists():
        return Decision(allowed=True)
    roles: Iterable[Role | PlatformRole] = [*Role, *PlatformRole]
    needed = ", ".join(str(role.label) for role in roles if role in ROLES_FOR[action])
    return Decision(allowed=False, reason=_("This needs one of these roles: %(roles)s.") % {"roles": needed})


def require(user: Anyone, action: str, tenant: Tenant | None) -> None:
    """Raise Forbidden unless the user may; the first line of every service."""
    if not (decision := may(user, action, tenant)):
        raise Forbidden("error.forbidden", action=action, reason=decision.reason)


class TenantOwnedQuerySet(models.QuerySet[Row]):
    """A queryset over rows that have a tenant (none: the platform's own rows)."""

    def visible_to(self, user: Anyone, action: str) -> Self:
        """Keep the rows on which the user may perform the action."""
        return self.filter(self.allowed_to(user, action))

    def allowed_to(self, user: Anyone, action: str) -> Q:
        """Return the condition of the rows on which the user may perform the action."""
        allowed = Q(tenant__in=tenants_where(user, action))
        if on_platform(user, action):
            allowed |= Q(tenant__isnull=True)
        return allowed
