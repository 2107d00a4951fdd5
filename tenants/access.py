"""The one answer to "may this user do that here?", for services, the API, pages and websockets alike.

Each app's policy.py declares its actions with `grant`; an action nobody declared is a programming error. Default deny.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Self, TypeGuard, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _

from pks_portal.errors import Conflict, Forbidden
from tenants.models import Membership, PlatformGrant, PlatformRole, Role, Tenant, User
from tenants.scopes import scope_of, within

Row = TypeVar("Row", bound=models.Model)
Anyone = User | AnonymousUser

ROLES_FOR: dict[str, frozenset[str]] = {}
MAKING: set[str] = set()
"""The actions that make something new, which an archived tenant may not have."""
Allowed = list[tuple[str, int | None]]
ALLOWED: ContextVar[Allowed | None] = ContextVar("allowed", default=None)
"""Where a list is kept: what the request has been allowed so far, each action with its tenant's key."""

KEPT: ContextVar[dict[int, frozenset[str]] | None] = ContextVar("kept", default=None)
"""Platform roles by person, see `remembering`."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes, or no with a reason fit to show."""

    allowed: bool
    reason: str = ""

    def __bool__(self) -> bool:
        return self.allowed


def grant(action: str, *roles: Role | PlatformRole, makes: bool = False) -> None:
    """Declare which roles, of a tenant or of the platform, may perform an action; `makes`: see MAKING."""
    ROLES_FOR[action] = frozenset(roles)
    if makes:
        MAKING.add(action)


def _counts(user: Anyone, action: str) -> TypeGuard[User]:
    """Say whether it matters at all which roles the user has: an active account, and its token reaches that far."""
    return not isinstance(user, AnonymousUser) and user.is_active and within(action, user.scope)


def on_platform(user: Anyone, action: str) -> bool:
    """Say whether a platform role lets the user perform the action everywhere, also where there is no tenant."""
    if not _counts(user, action):
        return False
    return not ROLES_FOR[action].isdisjoint(_platform_roles(user))


def _platform_roles(user: User) -> frozenset[str]:
    kept = KEPT.get()
    if kept is None:
        return frozenset(PlatformGrant.objects.filter(user=user).values_list("role", flat=True))
    if user.pk not in kept:
        kept[user.pk] = frozenset(PlatformGrant.objects.filter(user=user).values_list("role", flat=True))
    return kept[user.pk]


@contextmanager
def remembering() -> Iterator[None]:
    """Read people's platform roles once within, for a page asks dozens of times; nothing within may change them."""
    token = KEPT.set({})
    try:
        yield
    finally:
        KEPT.reset(token)


def tenants_where(user: Anyone, action: str) -> models.QuerySet[Tenant]:
    """Return the tenants in which the user may perform the action now."""
    able = _able_in(user, action)
    return able.filter(archived_at=None) if action in MAKING else able


def _able_in(user: Anyone, action: str) -> models.QuerySet[Tenant]:
    """Return the tenants in which the user's roles allow the action, archived or not."""
    if not _counts(user, action):
        return Tenant.objects.none()
    if on_platform(user, action):
        return Tenant.objects.all()
    held = Membership.objects.filter(user=user, role__in=ROLES_FOR[action])
    return Tenant.objects.filter(pk__in=held.values("tenant"))


def somewhere(user: Anyone, action: str) -> bool:
    """Say whether the user may perform the action in any tenant, or on the platform."""
    return on_platform(user, action) or tenants_where(user, action).exists()


def people_where(action: str, tenant: Tenant | None) -> models.QuerySet[User]:
    """Return the active people who may perform an action in the tenant, or on the platform when there is none.

    People: a program with such a role is nobody to tell or to wait for.
    """
    roles = ROLES_FOR[action]
    able = Q(pk__in=PlatformGrant.objects.filter(role__in=roles).values("user"))
    if tenant is not None:
        able |= Q(pk__in=Membership.objects.filter(tenant=tenant, role__in=roles).values("user"))
    return User.objects.filter(able, is_active=True, kind=User.Kind.PERSON).order_by("pk")


def may(user: Anyone, action: str, tenant: Tenant | None) -> Decision:
    """Decide, with a reason fit to show when the answer is no; `tenant` None asks about the platform itself."""
    if _holds(user, action, tenant):
        if (allowed := ALLOWED.get()) is not None:
            allowed.append((action, tenant.pk if tenant else None))
        return _unless_archived(action, tenant)
    return _refusal(user, action)


def _holds(user: Anyone, action: str, tenant: Tenant | None) -> bool:
    """Say whether a role allows it, be the tenant archived or not."""
    return on_platform(user, action) if tenant is None else _able_in(user, action).filter(pk=tenant.pk).exists()


def _refusal(user: Anyone, action: str) -> Decision:
    if isinstance(user, User) and not within(action, user.scope):
        return Decision(allowed=False, reason=_out_of_scope(action))
    roles: Iterable[Role | PlatformRole] = [*Role, *PlatformRole]
    needed = ", ".join(str(role.label) for role in roles if role in ROLES_FOR[action])
    return Decision(allowed=False, reason=_("This needs one of these roles: %(roles)s.") % {"roles": needed})


def _unless_archived(action: str, tenant: Tenant | None) -> Decision:
    if tenant is None or tenant.archived_at is None or action not in MAKING:
        return Decision(allowed=True)
    return Decision(allowed=False, reason=str(_archived(tenant)))


def _out_of_scope(action: str) -> str:
    if (scope := scope_of(action)) is None:
        return _("No token may do this, only a person who has signed in.")
    return _("The token lacks the scope “%(scope)s”.") % {"scope": scope.value}


def require(user: Anyone, action: str, tenant: Tenant | None) -> None:
    """Raise Forbidden unless the user may (Conflict in an archived tenant); the first line of every service."""
    if decision := may(user, action, tenant):
        return
    if tenant is not None and _able_in(user, action).filter(pk=tenant.pk).exists():
        refuse_archived(tenant)
    outside = isinstance(user, User) and not within(action, user.scope)
    raise Forbidden("error.out_of_scope" if outside else "error.forbidden", action=action, reason=decision.reason)


def require_still(user: User, allowed: Allowed) -> None:
    """Raise Forbidden unless roles allow the user all that a request of theirs was allowed once (see ALLOWED)."""
    tenants = Tenant.objects.in_bulk([key for _action, key in allowed if key is not None])
    for action, key in allowed:
        tenant = None if key is None else tenants.get(key)
        if (key is not None and tenant is None) or not _holds(user, action, tenant):
            raise Forbidden("error.forbidden", action=action, reason=_refusal(user, action).reason)


def refuse_archived(tenant: Tenant) -> None:
    """Raise Conflict when nothing new may be made in the tenant; for certain only under the lock of its row."""
    if tenant.archived_at is not None:
        raise _archived(tenant)


def _archived(tenant: Tenant) -> Conflict:
    return Conflict("error.tenant_archived", tenant=tenant.slug)


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
