"""From a person in the directory to an account here, and from their groups to roles; for sign-in and for sync."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from django.db import transaction
from django.utils import timezone

from tenants import audit, overseeing, roles
from tenants.directory.client import LONGEST_LOGIN, Rejected
from tenants.directory.searching import Person
from tenants.models import (
    ENVIRONMENT,
    DirectorySource,
    GroupMapping,
    Membership,
    PlatformGrant,
    Role,
    Source,
    Tenant,
    User,
)

Held = dict[tuple[int | None, str], str]
"""What groups give: (id of the tenant, None for the platform; role) → DN of a group that gives it."""


@transaction.atomic
def admit(person: Person, groups: AbstractSet[str]) -> User:
    """Return the person's account, made or brought up to date, with exactly the roles that the groups give.

    The account is the one with the directory's id; a name alone never opens an account. Raises Rejected when the
    account is deactivated here or the name of a newcomer belongs to another account.
    """
    rows = User.objects.select_for_update()
    user = rows.filter(directory_source=person.source, directory_id=person.id).first()
    if user is None:
        user = newcomer(person)
    elif not user.is_active:
        raise Rejected("inactive")
    refresh(user, person)
    user.save()
    apply_roles(user, groups)
    return user


def newcomer(person: Person) -> User:
    """Return a new account, not saved. Raises Rejected when its name belongs to somebody else who is still here."""
    if not (name := name_for(person, None)):
        raise Rejected("name_taken")
    user = stranger(person)
    _take_name(user, name)
    return user


def stranger(person: Person) -> User:
    """Return a new account, not saved, for somebody whose name is known to be free."""
    user = User(directory_id=person.id, directory_source_id=person.source, username=person.login)
    user.set_unusable_password()
    return user


def refresh(user: User, person: Person) -> None:
    """Bring name and address up to date, not saved."""
    if (name := name_for(person, user)) != user.username:
        audit.record(None, "user.rename", user, old=user.username, new=name)
        _take_name(user, name)
    user.display_name, user.display_name_zh = person.name[:120], person.name_zh[:120]
    user.email = person.mail[:254]


def name_for(person: Person, user: User | None) -> str:
    """Return the name that a person's account (None: a new one) may bear, empty where there is none.

    It is the plain one, or name@directory where somebody of another directory was here first; nobody ever gets a local
    account's. Names are unique in a directory, so whoever of the same one has it is out of date: they give it up to
    somebody who was renamed, and to a newcomer once they have left.
    """
    if user and user.username == person.login:
        return person.login
    if reserved(person.login):
        return user.username if user else ""
    for name in (person.login, _with_source(person)):
        holder = _holder(name, user)
        out_of_date = holder is not None and holder.directory_source_id == person.source
        if holder is None or (out_of_date and (user or not holder.is_active)):
            return name
        if out_of_date or not holder.directory_id:
            break
    return user.username if user else ""


def reserved(name: str) -> bool:
    """Say whether no person may be called so: like a program or a certificate ("pks:li.na:admin:…"), or at length."""
    return "/" in name or ":" in name or len(name) > LONGEST_LOGIN


def _with_source(person: Person) -> str:
    return f"{person.login}@{DirectorySource.objects.values_list('slug', flat=True).get(pk=person.source)}"


def _holder(name: str, user: User | None) -> User | None:
    others = User.objects.exclude(pk=user.pk) if user else User.objects.all()
    return others.filter(username__iexact=name).first()


def _take_name(user: User, name: str) -> None:
    if name and (holder := _holder(name, user)):
        holder.username = f"{name[:100]}~{holder.directory_id}"
        holder.save(update_fields=["username"])
    user.username = name


def apply_roles(user: User, groups: AbstractSet[str]) -> None:
    """Make the roles that come from the directory exactly those that the groups (see normal_dn) give.

    Roles given here by hand stay. Call inside a transaction, and only with an answer of the directory: an outage is
    not an empty set.
    """
    wanted: Held = {}
    directory = user.directory_source_id or ENVIRONMENT  # who has none comes from the outside provider, see sso.GROUP
    mappings = GroupMapping.objects.filter(directory=directory, group_dn__in=groups)
    for mapping in mappings.order_by("-group_dn"):
        wanted[mapping.tenant_id, mapping.role] = mapping.group_dn
    held = _held(user)
    gained = {key: via for key, via in wanted.items() if held.get(key) != via}
    lost = held.keys() - wanted.keys()
    with overseeing.watching([tenant for tenant, role in lost if role == Role.ADMIN]):
        for key in lost | (gained.keys() & held.keys()):
            _withdraw(user, *key)
        for key, via in gained.items():
            _give(user, *key, via)
    if gained or lost:
        audit.record(None, "user.roles", user, gained=shown(gained), lost=shown(lost))
        roles.changed({tenant for tenant, _ in gained.keys() | lost if tenant is not None})
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


def shown(keys: Iterable[tuple[int | None, str]]) -> list[str]:
    """Return roles as words: "payments: operator", "platform: auditor"."""
    slugs = dict(Tenant.objects.values_list("pk", "slug"))
    return sorted(f"{slugs[tenant] if tenant else 'platform'}: {role}" for tenant, role in keys)
