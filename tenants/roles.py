"""Roles given and withdrawn by hand, and the directory groups that give them. Each deed is one transaction."""

import logging
import uuid
from collections.abc import Collection
from functools import partial
from typing import Any, Final

import ldap.dn
from celery import current_app
from django.db import transaction
from django.db.models import Q

from pks_portal.errors import Conflict, Forbidden, Invalid
from pks_portal.messages import say
from tenants import audit, notices, overseeing
from tenants.access import on_platform, refuse_archived, require
from tenants.directory.config import normal_dn
from tenants.models import (
    ENVIRONMENT,
    GroupMapping,
    Membership,
    PlatformGrant,
    PlatformRole,
    Role,
    Source,
    Tenant,
    User,
)
from tenants.tracing import why, why_all

__all__ = [
    "changed", "checked_dn", "give", "give_platform", "given_by", "last_platform_admin", "map_group", "send_soon",
    "unmap", "why", "why_all", "withdraw", "withdraw_platform",
]  # fmt: skip

log = logging.getLogger(__name__)

FOLLOW: Final = "clusters.tasks.follow_roles"
LONGEST_DN: Final = 255


def changed(tenant_ids: Collection[int]) -> None:
    """Let the clusters of these tenants follow, once the transaction that changed roles there is committed."""
    if tenant_ids:
        send_soon(FOLLOW, sorted(set(tenant_ids)))


def send_soon(task: str, *args: Any) -> None:
    """Queue another app's Celery task by its name after the commit; a sweep finds what a dead broker loses."""
    transaction.on_commit(partial(_send, task, args))


def _send(task: str, args: tuple[Any, ...]) -> None:
    try:
        current_app.send_task(task, args=args, ignore_result=True, retry=False)
    except Exception:  # noqa: BLE001 - whatever the broker's client raises, the deed is done and stays so
        log.warning("The broker does not take %s; its sweep will find what there is to do.", task)


@transaction.atomic
def give(actor: User, tenant: Tenant, user: User, role: str) -> Membership:
    """Give the person this one role by hand, in place of another that was given by hand; those by groups stay.

    Raises Forbidden (also: nobody changes their own role), Invalid, Conflict (archived, or the last administrator).
    """
    require(actor, "member.change", tenant)
    row = _locked(tenant)
    refuse_archived(row)
    if actor.pk == user.pk:
        raise Forbidden("error.own_role")
    if role not in Role.values:
        raise Invalid("error.role_unknown", field="role", role=role[:40], roles=", ".join(Role.values))
    if not user.is_active or user.kind != User.Kind.PERSON:
        raise Invalid("error.person_unknown", field="username", username=user.username)
    held = list(Membership.objects.filter(tenant=row, user=user, source=Source.MANUAL))
    if [one.role for one in held] == [role]:
        return held[0]
    if role != Role.ADMIN:
        _keep_an_admin(actor, row, held)
    with overseeing.watching([row.pk]):
        Membership.objects.filter(pk__in=[one.pk for one in held]).delete()
        given = Membership.objects.create(tenant=row, user=user, role=role, source=Source.MANUAL, given_by=actor)
    audit.record(actor, "member.give", user, tenant=row, role=role, instead_of=sorted(one.role for one in held))
    _tell(user, "role.given", row, role=role, actor=actor)
    overseeing.by_stranger("member.given", actor, row, role=role, person=user.username)
    changed({row.pk})
    return given


@transaction.atomic
def withdraw(actor: User, membership: Membership) -> None:
    """Take a role away that was given by hand. Raises Forbidden, Conflict (a group gives it, or the last admin)."""
    require(actor, "member.change", membership.tenant)
    row = _locked(membership.tenant)
    held = Membership.objects.select_related("user").filter(pk=membership.pk).first()
    if held is None:
        return
    if held.source == Source.DIRECTORY:
        raise Conflict("error.role_by_group", group=held.via)
    _keep_an_admin(actor, row, [held])
    with overseeing.watching([row.pk]):
        held.delete()
    audit.record(actor, "member.withdraw", held.user, tenant=row, role=held.role)
    if actor.pk != held.user_id:
        _tell(held.user, "role.withdrawn", row, role=held.role, actor=actor)
    overseeing.by_stranger("member.withdrawn", actor, row, role=held.role, person=held.user.username)
    changed({row.pk})


@transaction.atomic
def map_group(
    actor: User, tenant: Tenant | None, group_dn: str, role: str, *, directory: uuid.UUID = ENVIRONMENT
) -> GroupMapping:
    """Have a directory group give a role, in the tenant or (None) on the platform, from the next sign-in or sync on.

    `directory`: whose group it is. Raises Forbidden, Invalid (no DN, no such role), Conflict (archived, or it is mapped
    so already).
    """
    _require_mapping(actor, tenant)
    if tenant is not None:
        refuse_archived(_locked(tenant))
    known: Collection[str] = Role.values if tenant else PlatformRole.values
    if role not in known:
        raise Invalid("error.role_unknown", field="role", role=role[:40], roles=", ".join(known))
    dn = checked_dn(group_dn)
    wanted: dict[str, Any] = {"directory_id": directory, "group_dn": dn, "tenant": tenant, "role": role}
    if GroupMapping.objects.filter(**wanted).exists():
        raise Conflict("error.mapping_there", field="group_dn", group=dn, role=role)
    mapping = GroupMapping.objects.create(**wanted, made_by=actor)
    audit.record(actor, "mapping.create", mapping, tenant=tenant, group=dn, role=role)
    overseeing.mapping(actor, mapping, "mapping.made")
    return mapping


@transaction.atomic
def unmap(actor: User, mapping: GroupMapping) -> int:
    """Undo a mapping and take the role at once from those who have it by this group; return how many they are.

    Who has it by another group too gets it back at the next sign-in or sync. Raises Forbidden, Conflict.
    """
    _require_mapping(actor, mapping.tenant)
    if mapping.tenant is None:
        lost = PlatformGrant.objects.filter(
            _of_directory(mapping), source=Source.DIRECTORY, role=mapping.role, via=mapping.group_dn
        )
        if mapping.role == PlatformRole.PLATFORM_ADMIN:
            _keep_a_platform_admin(lost.values_list("pk", flat=True))
        overseeing.mapping(actor, mapping, "mapping.ended")
        count, _rows = lost.delete()
    else:
        row = _locked(mapping.tenant)
        held = given_by(mapping)
        _keep_an_admin(actor, row, list(held))
        overseeing.mapping(actor, mapping, "mapping.ended")
        with overseeing.watching([row.pk]):
            count, _rows = held.delete()
        changed({row.pk})
    mapping_id = mapping.pk
    mapping.delete()
    mapping.pk = mapping_id
    audit.record(
        actor, "mapping.delete", mapping, tenant=mapping.tenant, group=mapping.group_dn, role=mapping.role, people=count
    )
    return int(count)


def given_by(mapping: GroupMapping) -> Any:
    """Return the roles that people have by a tenant's mapping (a queryset of Membership)."""
    rows = Membership.objects.filter(tenant=mapping.tenant, role=mapping.role, source=Source.DIRECTORY)
    return rows.filter(_of_directory(mapping), via=mapping.group_dn)


def _of_directory(mapping: GroupMapping) -> Q:
    """Return the condition of people of the mapping's directory: another may have a group of the same name."""
    return Q(user__directory_source=mapping.directory_id) | Q(user__directory_source=None)


def checked_dn(text: str) -> str:
    """Return a group's DN as it is compared. Raises Invalid when it is none."""
    text = text.strip()
    try:
        parts = ldap.dn.str2dn(text)
    except (ldap.DECODING_ERROR, UnicodeError, ValueError):
        parts = []
    if len(parts) < 2 or len(normal_dn(text)) > LONGEST_DN:  # noqa: PLR2004 - a name and where it is
        raise Invalid("error.not_a_dn", field="group_dn", value=text[:80])
    return normal_dn(text)


@transaction.atomic
def give_platform(actor: User, user: User, role: str) -> PlatformGrant:
    """Give a platform role by hand. Raises Forbidden (also: nobody their own), Invalid."""
    require(actor, "role.platform", None)
    if actor.pk == user.pk:
        raise Forbidden("error.own_role")
    if role not in PlatformRole.values:
        raise Invalid("error.role_unknown", field="role", role=role[:40], roles=", ".join(PlatformRole.values))
    if not user.is_active or user.kind != User.Kind.PERSON:
        raise Invalid("error.person_unknown", field="username", username=user.username)
    grant, made = PlatformGrant.objects.get_or_create(
        user=user, role=role, source=Source.MANUAL, defaults={"given_by": actor}
    )
    if made:
        audit.record(actor, "role.platform_give", user, role=role)
        _tell(user, "role.platform_given", None, role=role, actor=actor)
    return grant


@transaction.atomic
def withdraw_platform(actor: User, grant: PlatformGrant) -> None:
    """Take a platform role away that was given by hand. Raises Forbidden, Conflict (by a group, or the last one)."""
    require(actor, "role.platform", None)
    if grant.source == Source.DIRECTORY:
        raise Conflict("error.role_by_group", group=grant.via)
    if grant.role == PlatformRole.PLATFORM_ADMIN:
        _keep_a_platform_admin([grant.pk])
    user, role = grant.user, grant.role
    grant.delete()
    audit.record(actor, "role.platform_withdraw", user, role=role)
    if actor.pk != user.pk:
        _tell(user, "role.platform_withdrawn", None, role=role, actor=actor)


def last_platform_admin(user: User) -> bool:
    """Say whether nobody else who can sign in administers the platform."""
    rows = _platform_admins()
    return rows.filter(user=user).exists() and not rows.exclude(user=user).exists()


def _require_mapping(actor: User, tenant: Tenant | None) -> None:
    if tenant is None:
        require(actor, "role.platform", None)
    else:
        require(actor, "member.change", tenant)


def _locked(tenant: Tenant) -> Tenant:
    return Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)


def _keep_an_admin(actor: User, tenant: Tenant, going: Collection[Membership]) -> None:
    """Let only the platform's administrators take away a tenant's last administrator. Call under the tenant's lock."""
    if not any(one.role == Role.ADMIN for one in going) or on_platform(actor, "member.change"):
        return
    admins = Membership.objects.filter(tenant=tenant, role=Role.ADMIN, user__is_active=True, user__kind="person")
    if not admins.exclude(pk__in=[one.pk for one in going]).exists():
        raise Conflict("error.last_admin", tenant=tenant.slug)


def _platform_admins() -> Any:
    return PlatformGrant.objects.filter(role=PlatformRole.PLATFORM_ADMIN, user__is_active=True)


def _keep_a_platform_admin(going: Collection[int]) -> None:
    """Refuse to take away the last one: nobody could give the role again. Locks their rows, two at once must queue."""
    rows = list(_platform_admins().select_for_update().values_list("pk", flat=True))
    if not set(rows) - set(going):
        raise Conflict("error.last_platform_admin")


def _tell(user: User, kind: str, tenant: Tenant | None, *, role: str, actor: User) -> None:
    facts: dict[str, Any] = {"role": say(f"role.{role}").stored(), "actor": actor.username}
    if tenant is not None:
        facts["tenant_name"] = tenant.slug
    notices.tell(kind, to=[user], tenant=tenant, link="/profile", **facts)
