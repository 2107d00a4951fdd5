"""Carry out what a sync has worked out: all of it or nothing."""

from collections import Counter
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tenants import audit, leaving, overseeing, roles, signin
from tenants.directory.client import Rejected
from tenants.directory.comparing import Change, Diff, Held, Key
from tenants.models import DirectorySource, Membership, PlatformGrant, Role, Source, User

AT_ONCE: Final = 500
"""Rows in one statement."""
ONE_BY_ONE: Final = 500
"""Up to so many people have an entry of their own in the audit trail; beyond, one entry has the sums."""


@transaction.atomic
def apply(source: DirectorySource, diff: Diff, *, actor: User | None, reason: str = "") -> list[str]:
    """Make people and roles as the directory has them and return the names that could not be given an account.

    Leavers go first and newcomers last, so that a name that was handed on is free.
    """
    lost = [key for change in diff.changes for key in change.lost]
    with overseeing.watching({tenant for tenant, role in lost if role == Role.ADMIN}):
        return _apply(source, diff, actor, reason)


def _apply(source: DirectorySource, diff: Diff, actor: User | None, reason: str) -> list[str]:
    by = {what: [change for change in diff.changes if change.what == what] for what in ("leave", "change", "return")}
    for change in by["leave"]:
        if change.user:
            leaving.deactivate(change.user, by=None, reason=_why(change))
    for change in by["return"]:
        if change.user:
            leaving.reactivate(change.user, by=None)
    _rename(by["change"] + by["return"])
    joined, refused = _join([change for change in diff.changes if change.what == "join"])
    settled = _still_here(by["change"] + by["return"]) + joined
    _withdraw(settled)
    _give([(user, change.gained | change.moved) for change, user in settled])
    _record(source, diff, settled, actor, reason)
    User.objects.filter(directory_source=source, is_active=True).update(roles_synced_at=timezone.now())
    DirectorySource.objects.filter(pk=source.pk).update(synced_at=timezone.now(), trouble={})
    changed = [key for change in diff.changes for key in (*change.gained, *change.lost)]
    roles.changed({tenant for tenant, _ in changed if tenant is not None})
    return refused


def _still_here(changes: list[Change]) -> list[tuple[Change, User]]:
    """Return those who have not been dismissed by hand since they were compared, locked until the end."""
    settled = [(change, change.user) for change in changes if change.user]
    here: set[int] = set()
    for first in range(0, len(settled), AT_ONCE):
        ids = [user.pk for _, user in settled[first : first + AT_ONCE]]
        rows = User.objects.filter(pk__in=ids, is_active=True).order_by("pk").select_for_update()
        here.update(rows.values_list("pk", flat=True))
    return [(change, user) for change, user in settled if user.pk in here]


def _why(change: Change) -> str:
    return "directory.disabled" if change.person else "directory.gone"


def _rename(changes: list[Change]) -> None:
    """Bring names and addresses up to date; who takes a name over is saved before the next is looked at."""
    changed = []
    for change in changes:
        if not (change.user and change.person):
            continue
        name = change.user.username
        signin.refresh(change.user, change.person)
        if change.user.username != name:
            change.user.save(update_fields=["username"])
        changed.append(change.user)
    User.objects.bulk_update(changed, ["display_name", "display_name_zh", "email"], batch_size=AT_ONCE)


def _join(changes: list[Change]) -> tuple[list[tuple[Change, User]], list[str]]:
    """Make the newcomers' accounts; return them, and the names that somebody else has."""
    taken = {name.lower() for name in User.objects.values_list("username", flat=True)}
    made, refused = [], []
    new: set[str] = set()
    for change in changes:
        person = change.person
        if person is None:
            continue
        try:
            free = person.login not in taken and not signin.reserved(person.login)
            user = signin.stranger(person) if free else signin.newcomer(person)
        except Rejected:
            refused.append(person.login)
            continue
        if user.username.lower() in new:  # two in one directory, of which no rule says who has the name
            refused.append(person.login)
            continue
        new.add(user.username.lower())
        taken |= new
        user.display_name, user.display_name_zh = person.name[:120], person.name_zh[:120]
        user.email = person.mail[:254]
        made.append((change, user))
    User.objects.bulk_create([user for _, user in made], batch_size=AT_ONCE)
    return made, refused


def _withdraw(settled: list[tuple[Change, User]]) -> None:
    wanted = {user.pk: {*change.lost, *change.moved} for change, user in settled if change.lost or change.moved}
    ids = sorted(wanted)
    for first in range(0, len(ids), AT_ONCE):
        mine = Q(user__in=ids[first : first + AT_ONCE], source=Source.DIRECTORY)
        members = Membership.objects.filter(mine).values_list("pk", "user", "tenant", "role")
        gone = [pk for pk, user, tenant, role in members if (tenant, role) in wanted[user]]
        Membership.objects.filter(pk__in=gone).delete()
        grants = PlatformGrant.objects.filter(mine).values_list("pk", "user", "role")
        PlatformGrant.objects.filter(pk__in=[pk for pk, user, role in grants if (None, role) in wanted[user]]).delete()


def _give(wanted: list[tuple[User, Held]]) -> None:
    rows = [(user, tenant, role, via) for user, held in wanted for (tenant, role), via in held.items()]
    members = [
        Membership(user=user, tenant_id=tenant, role=role, source=Source.DIRECTORY, via=via)
        for user, tenant, role, via in rows
        if tenant is not None
    ]
    grants = [
        PlatformGrant(user=user, role=role, source=Source.DIRECTORY, via=via)
        for user, tenant, role, via in rows
        if tenant is None
    ]
    # somebody may have signed in meanwhile and been given the same
    Membership.objects.bulk_create(members, batch_size=AT_ONCE, ignore_conflicts=True)
    PlatformGrant.objects.bulk_create(grants, batch_size=AT_ONCE, ignore_conflicts=True)


def _record(
    source: DirectorySource, diff: Diff, settled: list[tuple[Change, User]], actor: User | None, reason: str
) -> None:
    """Keep who gained and lost what; what `leaving` records is not said twice."""
    if not diff.changes:
        return
    changed = [(change, user) for change, user in settled if change.gained or change.lost]
    facts: dict[str, Any] = {"counts": diff.counts, **({"reason": reason} if reason else {})}
    if len(changed) <= ONE_BY_ONE:
        for change, user in changed:
            gained, lost = signin.shown(change.gained), signin.shown(change.lost)
            audit.record(None, "user.roles", user, gained=gained, lost=lost)
    else:
        facts["gained"] = _by_role([(key, user) for change, user in changed for key in change.gained])
        facts["lost"] = _by_role([(key, user) for change, user in changed for key in change.lost])
    audit.record(actor, "directory.sync", source, **facts)


def _by_role(pairs: list[tuple[Key, User]]) -> list[str]:
    """Return each role with how many people: "payments: operator × 120"."""
    numbers = Counter(key for key, _ in pairs)
    return sorted(f"{text} × {number}" for key, number in numbers.items() for text in signin.shown([key]))
