"""What a directory's answer would change here, worked out before anything is changed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from django.db.models import Q

from tenants import signin
from tenants.directory.reading import Seen
from tenants.directory.searching import Person
from tenants.models import Departure, DirectorySource, GroupMapping, Membership, PlatformGrant, Source, Tenant, User

Key = tuple[int | None, str]
"""Id of the tenant (None: the platform) and role."""
Held = dict[Key, str]
"""Each role that groups give, with the DN of a group that gives it."""
What = Literal["join", "leave", "return", "change"]

FEW: Final = 5
"""So many people or roles may always go at once: a brake in per cent would stop small companies for nothing."""
SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to one person, of whom the directory may know nothing any more (`person` is None).

    `moved`: roles they keep, that another group gives from now on.
    """

    what: What
    user: User | None
    person: Person | None
    gained: Held = field(default_factory=dict)
    lost: tuple[Key, ...] = ()
    moved: Held = field(default_factory=dict)
    renamed: bool = False

    @property
    def login(self) -> str:
        return self.person.login if self.person else self.user.username if self.user else ""

    @property
    def name(self) -> str:
        return self.person.name if self.person else self.user.label if self.user else ""


@dataclass(frozen=True, slots=True)
class Diff:
    """All changes of one sync, and how much there was before."""

    changes: list[Change]
    people: int
    roles: int
    missing: frozenset[str] = frozenset()
    refused: tuple[str, ...] = ()
    """Newcomers whose name somebody else has."""

    @property
    def counts(self) -> dict[str, int]:
        """How many people join, leave, return and are changed, and how many roles are gained and lost."""
        kinds = Counter(change.what for change in self.changes)
        roles = {
            "gained": sum(len(change.gained) for change in self.changes),
            "lost": sum(len(change.lost) for change in self.changes),
        }
        return {what: kinds[what] for what in ("join", "leave", "return", "change")} | roles

    def too_much(self, percent: int) -> bool:
        """Say whether so many people or roles would go that a person has to look first."""
        counts = self.counts
        return any(
            gone > FEW and gone * 100 > percent * before
            for gone, before in ((counts["leave"], self.people), (counts["lost"], self.roles))
        )

    def shown(self, most: int = SHOWN) -> list[dict[str, Any]]:
        """Return the changes as plain JSON, those that take something first."""
        slugs = dict(Tenant.objects.values_list("pk", "slug"))

        def words(keys: Iterable[Key]) -> list[str]:
            return sorted(f"{slugs.get(tenant, '?') if tenant else 'platform'}: {role}" for tenant, role in keys)

        order = {"leave": 0, "change": 1, "return": 2, "join": 3}
        rows = sorted(self.changes, key=lambda change: (order[change.what], not change.lost, change.login))
        return [
            {
                "what": change.what,
                "username": change.login,
                "name": change.name,
                "gained": words(change.gained),
                "lost": words(change.lost),
            }
            for change in rows[:most]
        ]


def mappings_of(source: DirectorySource) -> list[GroupMapping]:
    """Return the directory's mappings."""
    return list(
        GroupMapping.objects.filter(directory=source)
        .select_related("tenant")
        .order_by("tenant__slug", "role", "group_dn")
    )


def compare(source: DirectorySource, seen: Seen, mappings: Iterable[GroupMapping]) -> Diff:
    """Return what would change if these were the mappings (saved or not) and the directory said this."""
    people = {user.directory_id or "": user for user in User.objects.filter(directory_source=source)}
    held = held_by(source)
    by_sync = set(Departure.objects.filter(ended_at=None, by=None).values_list("user", flat=True))
    given: dict[str, Held] = {}
    for mapping in sorted(mappings, key=lambda mapping: mapping.group_dn, reverse=True):
        given.setdefault(mapping.group_dn, {})[mapping.tenant_id, mapping.role] = mapping.group_dn
    taken = {name.lower() for name in User.objects.values_list("username", flat=True)}
    changes: list[Change] = []
    refused: list[str] = []
    for identity in sorted(people.keys() | seen.people.keys()):
        user, person = people.get(identity), seen.people.get(identity)
        wanted: Held = {}
        for dn in sorted(seen.groups.get(identity, ()), reverse=True):
            wanted |= given.get(dn, {})
        has = held.get(user.pk, {}) if user else {}
        change = _change(user, person, wanted, has, back=user is not None and user.pk in by_sync)
        if change is None:
            continue
        person = change.person
        unfree = person is not None and (person.login in taken or signin.reserved(person.login))
        if change.what == "join" and person and unfree and not signin.name_for(person, None):
            refused.append(person.login)
        else:
            changes.append(change)
    active = sum(user.is_active for user in people.values())
    return Diff(changes, active, sum(map(len, held.values())), seen.missing, tuple(refused))


def effect(source: DirectorySource, seen: Seen, before: Iterable[GroupMapping], after: Iterable[GroupMapping]) -> Diff:
    """Return what other mappings alone would change, leaving out what a sync would change anyway."""
    anyway = {change.login: change for change in compare(source, seen, before).changes}
    diff = compare(source, seen, after)
    changes = []
    for change in diff.changes:
        old = anyway.get(change.login)
        if old is None:
            changes.append(change)
            continue
        gained = {key: via for key, via in change.gained.items() if key not in old.gained}
        lost = tuple(key for key in change.lost if key not in old.lost)
        if gained or lost:
            changes.append(replace(change, gained=gained, lost=lost))
    return replace(diff, changes=changes)


def held_by(source: DirectorySource) -> dict[int, Held]:
    """Return the roles that the directory gives now, by person."""
    mine = Q(user__directory_source=source, user__is_active=True, source=Source.DIRECTORY)
    held: dict[int, Held] = {}
    for user, tenant, role, via in Membership.objects.filter(mine).values_list("user", "tenant", "role", "via"):
        held.setdefault(user, {})[tenant, role] = via
    for user, role, via in PlatformGrant.objects.filter(mine).values_list("user", "role", "via"):
        held.setdefault(user, {})[None, role] = via
    return held


def _change(user: User | None, person: Person | None, wanted: Held, has: Held, *, back: bool) -> Change | None:
    """Return what happens to one person; None where all is as it should be, or not the directory's business."""
    if user is None:
        joins = person is not None and person.enabled and wanted
        return Change(what="join", user=None, person=person, gained=wanted) if joins else None
    if person is None or not person.enabled:
        return Change(what="leave", user=user, person=person, lost=tuple(has)) if user.is_active else None
    if not user.is_active:
        return Change(what="return", user=user, person=person, gained=wanted) if back else None
    gained = {key: via for key, via in wanted.items() if key not in has}
    moved = {key: via for key, via in wanted.items() if has.get(key, via) != via}
    lost = tuple(has.keys() - wanted.keys())
    renamed = _differs(user, person)
    if gained or lost or moved or renamed:
        more: dict[str, Any] = {"gained": gained, "lost": lost, "moved": moved, "renamed": renamed}
        return Change(what="change", user=user, person=person, **more)
    return None


def _differs(user: User, person: Person) -> bool:
    """Say whether a name or the address has changed."""
    facts = (user.display_name, user.display_name_zh, user.email)
    if facts != (person.name[:120], person.name_zh[:120], person.mail[:254]):
        return True
    return user.username != person.login and user.username != signin.name_for(person, user)
