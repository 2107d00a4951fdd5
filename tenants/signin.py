"""From a person in the directory to an account here, and from their groups to roles; for sign-in and for sync."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from django.db import transaction
from django.utils import timezone

from tenants import audit
from tenants.directory.client import Person, Rejected
from tenants.models import GroupMapping, Membership, PlatformGrant, Source, Tenant, User

Held = dict[tuple[int | None, str], str]
"""What groups give: (id of the tenant, None for the platform; role) → DN of a group that gives it."""


@transaction.atomic
def admit(person: Person, groups: AbstractSet[str]) -> User:
    """Return the person's account, made or brought up to date, with exactly the roles that the groups give.

    The account is the one with the directory's id; a name alone never opens an account. Raises Rejected when the
    account is deactivated here or the name of a newcomer belongs to another account.
    """
    user = User.objects.select_for_update().filter(directory_id=person.id).first()
    if user is None:
        user = _newcomer(person)
    elif not user.is_active:
        raise Rejected("inactive")
    _refresh(user, person)
    apply_roles(user, groups)
    return user


def _newcomer(person: Person) -> User:
    if User.objects.filter(username__iexact=person.login).exists():
        raise Rejected("name_taken")
    user = User(directory_id=person.id, username=person.login)
    user.set_unusable_password()
    return user


def _refresh(user: User, person: Person) -> None:
    if user.username != person.login:
        _take_name(user, person.login)
    user.display_name, user.display_name_zh = person.name[:120], person.name_zh[:120]
    user.email = person.mail[:254]
    user.save()


def _take_name(user: User, name: str) -> None:
    """Rename the account as the directory renamed the person.

    Names are unique in the directory, so another directory account with that name is out of date and gives it up; a
    local account never does, and the old name is kept.
    """
    holder = User.objects.filter(username__iexact=name).exclude(pk=user.pk).first()
    if holder and not holder.directory_id:
        return
    if holder:
        holder.username = f"{name[:100]}~{holder.directory_id}"
        holder.save(update_fields=["username"])
    audit.record(None, "user.rename", user, old=user.username, new=name)
    user.username = name


def apply_roles(user: User, groups: AbstractSet[str]) -> None:
    """Make the roles that come from the directory exactly those that the groups (see normal_dn) give.

    Roles given here by hand stay. Call inside a transaction, and only with an answer of the directory: an outage is
    not an empty set.
    """
    wanted: Held = {}
    for mapping in GroupMapping.objects.filter(group_dn__in=groups).order_by("-group_dn"):
        wanted[mapping.tenant_id, mapping.role] = mapping.group_dn
    held = _held(user)
    gained = {key: via for key, via in wanted.items() if held.get(key) != via}
    lost = held.keys() - wanted.keys()
    for key in lost | (gained.keys() & held.keys()):
        _withdraw(user, *key)
    for key, via in gained.items():
        _give(user, *key, via)
    if gained or lost:
        audit.record(None, "user.roles", user, gained=_shown(gained), lost=_shown(lost))
    user.roles_synced_at = timezone.now()
    user.save(update_fields=["roles_synced_at"])


def _held(user: User) -> Held:
    members = Membership.objects.filter(user=user, source=Source.DIRECTORY)
    held: Held = {(row.tenant_id, row.role): row.via for row in members}
    grants = PlatformGrant.objects.filter(user=user, source=Source.DIRECTORY)
    return held | {(None, row.role): row.via for row in grants}


def _withdraw(user: User, tenant: int | None, role: str) -> None:
    if tenant is None:
        PlatformGrant.objects.filter(user=user, role=role, source=Source.DIRECTORY).delete()
    else:
        Membership.objects.filter(user=user, tenant=tenant, role=role, source=Source.DIRECTORY).delete()


def _give(user: User, tenant: int | None, role: str, via: str) -> None:
    if tenant is None:
        PlatformGrant.objects.create(user=user, role=role, source=Source.DIRECTORY, via=via)
    else:
        Membership.objects.create(user=user, tenant_id=tenant, role=role, source=Source.DIRECTORY, via=via)


def _shown(keys: Iterable[tuple[int | None, str]]) -> list[str]:
    """Return roles as words: "payments: operator", "platform: auditor"."""
    slugs = dict(Tenant.objects.values_list("pk", "slug"))
    return sorted(f"{slugs[tenant] if tenant else 'platform'}: {role}" for tenant, role in keys)
