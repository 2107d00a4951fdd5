"""Nobody gets rights in a tenant behind the backs of its administrators, and no tenant loses its last one unnoticed."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from django.db.models import QuerySet

from pks_portal.messages import say
from tenants import notices
from tenants.access import people_where
from tenants.models import GroupMapping, Membership, Role, Tenant, User

_watched: ContextVar[set[int] | None] = ContextVar("watched", default=None)
ACCOUNTS: Final = "automation"
MEMBERS: Final = "members"


@contextmanager
def watching(tenants: Collection[int | None]) -> Iterator[None]:
    """Tell the platform's administrators which of these tenants have no administrator any more after the block.

    Call it inside the deed's transaction. Inside another such block the outer one tells, once all of it is done.
    """
    led = _led(tenants)
    if (outer := _watched.get()) is not None:
        outer |= led
        yield
        return
    token = _watched.set(led)
    try:
        yield
    finally:
        _watched.reset(token)
    _tell_of_unled(led - _led(led))


def _led(tenants: Collection[int | None]) -> set[int]:
    """Return those of the tenants that have an administrator who can sign in."""
    if not tenants:
        return set()
    return set(_administrators().filter(tenant__in=[pk for pk in tenants if pk]).values_list("tenant_id", flat=True))


def _administrators() -> QuerySet[Membership]:
    return Membership.objects.filter(role=Role.ADMIN, user__is_active=True, user__kind=User.Kind.PERSON)


def _tell_of_unled(tenants: Collection[int]) -> None:
    for tenant in Tenant.objects.filter(pk__in=tenants, archived_at=None):
        platform = people_where("role.platform", None)
        notices.tell("tenant.without_admin", to=platform, tenant=tenant, link=_page(tenant), tenant_name=tenant.slug)


def mapping(actor: User, row: GroupMapping, kind: str) -> None:
    """Tell the administrators that a group of the directory gives a role ("mapping.made"), or not any more.

    Those of the tenant, and of a platform role those of the platform.
    """
    if row.tenant is not None:
        _tell(kind, actor, row.tenant, role=row.role, group=row.group_dn)
        return
    others = people_where("role.platform", None).exclude(pk=actor.pk)
    role = say(f"role.{row.role}").stored()
    notices.tell(
        f"{kind}_platform", to=others, link="/platform/directories", actor=actor.username, role=role,
        group=row.group_dn,
    )  # fmt: skip


def by_stranger(kind: str, actor: User, tenant: Tenant, *, page: str = MEMBERS, role: str = "", **facts: Any) -> None:
    """Tell a tenant's administrators what somebody did there who is none of them."""
    if not Membership.objects.filter(tenant=tenant, user=actor, role=Role.ADMIN).exists():
        _tell(kind, actor, tenant, page=page, role=role, **facts)


def _tell(kind: str, actor: User, tenant: Tenant, *, page: str = MEMBERS, role: str = "", **facts: Any) -> None:
    said: dict[str, Any] = {"role": say(f"role.{role}").stored()} if role else {}
    notices.tell(
        kind, to=_overseers(tenant, actor), tenant=tenant, link=_page(tenant, page), actor=actor.username,
        tenant_name=tenant.slug, **said, **facts,
    )  # fmt: skip


def _overseers(tenant: Tenant, actor: User) -> Iterable[User]:
    """Return the other administrators of a tenant; where there are none, those who may change its members."""
    others = User.objects.filter(pk__in=_administrators().filter(tenant=tenant).values("user")).exclude(pk=actor.pk)
    return list(others) or list(people_where("member.change", tenant).exclude(pk=actor.pk))


def _page(tenant: Tenant, page: str = MEMBERS) -> str:
    return f"/tenants/{tenant.slug}/{page}"
