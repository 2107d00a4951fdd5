"""Service accounts: programs of a tenant. Each is a user without a password, with one ordinary role in its tenant."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from pks_portal.errors import Conflict, Forbidden, Invalid
from tenants import audit, leaving, overseeing, roles
from tenants.access import on_platform, refuse_archived, require
from tenants.models import Membership, Role, ServiceAccount, Source, Tenant, User, dns_label

RANKS = tuple(Role)
"""Roles, each able to do what those before it can."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an account is to be: `name` a DNS label that is free in the tenant, `about` what it is for."""

    name: str
    role: str
    about: str = ""


def accounts_of(actor: User, tenant: Tenant) -> QuerySet[ServiceAccount]:
    """Return the tenant's service accounts. Raises Forbidden."""
    require(actor, "token.view", tenant)
    rows = ServiceAccount.objects.filter(tenant=tenant, deleted_at__isnull=True)
    return rows.select_related("user", "tenant", "made_by").prefetch_related("user__memberships", "user__api_tokens")


def create(actor: User, tenant: Tenant, wish: Wish) -> ServiceAccount:
    """Make a service account. Raises Forbidden, Invalid, Conflict (name taken, tenant archived), ValidationError."""
    require(actor, "token.manage", tenant)
    dns_label(wish.name)
    if len(wish.name) > 40:  # noqa: PLR2004 - as the column
        raise Invalid("error.account_name_long", field="name", most=40)
    _check_role(actor, tenant, wish.role)
    with transaction.atomic():
        refuse_archived(Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk))
        if ServiceAccount.objects.filter(tenant=tenant, name=wish.name, deleted_at__isnull=True).exists():
            raise Conflict("error.account_name_taken", field="name", name=wish.name)
        user = User(username=f"{tenant.slug}/{wish.name}", kind=User.Kind.SERVICE)
        user.set_unusable_password()
        user.save()
        account = ServiceAccount.objects.create(
            user=user, tenant=tenant, name=wish.name, about=wish.about[:200], made_by=actor
        )
        _give(account, wish.role, actor)
        audit.record(actor, "service_account.create", user, tenant=tenant, name=wish.name, role=wish.role)
        _tell("made", actor, account, role=wish.role)
    return account


def set_role(actor: User, account: ServiceAccount, role: str) -> None:
    """Change what the account may do in its tenant. Raises Forbidden, Invalid."""
    require(actor, "token.manage", account.tenant)
    _check_role(actor, account.tenant, role)
    with transaction.atomic():
        _give(account, role, actor)
        audit.record(actor, "service_account.role", account.user, tenant=account.tenant, name=account.name, role=role)
        _tell("role", actor, account, role=role)


def set_disabled(actor: User, account: ServiceAccount, *, disabled: bool) -> None:
    """Stop the account, or let it go on; while it is stopped none of its tokens is good. Raises Forbidden."""
    require(actor, "token.manage", account.tenant)
    with transaction.atomic():
        account.user.is_active = not disabled
        if User.objects.filter(pk=account.user_id, is_active=disabled).update(is_active=not disabled):
            deed = "service_account.disable" if disabled else "service_account.enable"
            audit.record(actor, deed, account.user, tenant=account.tenant, name=account.name)
            _follow(account)


def delete(actor: User, account: ServiceAccount) -> None:
    """End the account and its tokens for good; what it did stays in the trail, and its name is free again.

    Raises Forbidden.
    """
    require(actor, "token.manage", account.tenant)
    with transaction.atomic():
        user = account.user
        account.deleted_at = timezone.now()
        account.save(update_fields=["deleted_at"])
        audit.record(actor, "service_account.delete", user, tenant=account.tenant, name=account.name)
        user.api_tokens.all().delete()
        user.memberships.all().delete()
        user.username, user.is_active = f"{user.username}~{user.pk}", False
        user.save(update_fields=["username", "is_active"])
        _follow(account)


def _give(account: ServiceAccount, role: str, actor: User) -> None:
    """Make this the account's one role."""
    Membership.objects.filter(user=account.user).delete()
    Membership.objects.create(user=account.user, tenant=account.tenant, role=role, source=Source.MANUAL, given_by=actor)
    roles.changed({account.tenant_id})


def _tell(what: str, actor: User, account: ServiceAccount, *, role: str) -> None:
    kind, page = f"service_account.{what}", overseeing.ACCOUNTS
    overseeing.by_stranger(kind, actor, account.tenant, page=page, role=role, name=account.name)


def _follow(account: ServiceAccount) -> None:
    """Have clusters take over that the account is in or out; out, its kubeconfigs end."""
    if not account.user.is_active:
        roles.send_soon(leaving.WITHDRAW, account.user_id)
    roles.changed({account.tenant_id})


def _check_role(actor: User, tenant: Tenant, role: str) -> None:
    """Refuse a role above the actor's own. Raises Invalid, Forbidden."""
    if role not in RANKS:
        raise Invalid("error.role_unknown", field="role", role=role[:40], roles=", ".join(RANKS))
    if not may_give(actor, tenant, role):
        raise Forbidden("error.role_above_own", role=role)


def may_give(actor: User, tenant: Tenant, role: str) -> bool:
    """Say whether a role is not above the actor's own; the platform's administrators may give each."""
    if on_platform(actor, "token.manage"):
        return True
    held = Membership.objects.filter(user=actor, tenant=tenant).values_list("role", flat=True)
    return RANKS.index(Role(role)) <= max((RANKS.index(Role(mine)) for mine in held), default=-1)
