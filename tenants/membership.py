"""Who is in a tenant, in which roles, from where: what the members' page and its API read."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Prefetch, Q, QuerySet

from pks_portal.errors import Invalid
from tenants.models import GroupMapping, Membership, PlatformGrant, Role, Source, Tenant, User

STATES = ("active", "left", "platform")
"""What people on the platform's list may be: let in, let in no more, with a platform role."""
STRENGTH = {role: number for number, role in enumerate(Role.values)}


@dataclass(frozen=True, slots=True)
class Member:
    """A person with all their roles in the tenant, the strongest first."""

    user: User
    roles: list[Membership]

    @property
    def by_hand(self) -> Membership | None:
        """The role that was given by hand, which alone can be changed here."""
        return next((row for row in self.roles if row.source == Source.MANUAL), None)


@dataclass(frozen=True, slots=True)
class MappedGroup:
    """A mapping, and how many people have its role by it now."""

    mapping: GroupMapping
    people: int


def searched(people: QuerySet[User], wanted: str) -> QuerySet[User]:
    """Keep those whose name or user name has the words in it."""
    if not (wanted := wanted.strip()[:100]):
        return people
    names = Q(display_name__icontains=wanted) | Q(display_name_zh__icontains=wanted)
    return people.filter(names | Q(username__icontains=wanted))


def everybody(state: str = "", wanted: str = "") -> QuerySet[User]:
    """Return the people who have signed in here, of one of STATES or all, by name, with their roles (3 queries)."""
    rows = searched(in_state(User.objects.filter(kind=User.Kind.PERSON), state), wanted).order_by("username")
    members = Prefetch("memberships", Membership.objects.select_related("tenant"))
    return rows.prefetch_related("platform_grants", members)


def in_state(people: QuerySet[User], state: str) -> QuerySet[User]:
    """Keep the people of one of STATES; all of them for anything else."""
    match state:
        case "active":
            return people.filter(is_active=True)
        case "left":
            return people.filter(is_active=False)
        case "platform":
            return people.filter(pk__in=PlatformGrant.objects.values("user"))
    return people


def people_of(tenant: Tenant, wanted: str = "", role: str = "") -> QuerySet[User]:
    """Return the people with a role in the tenant, by name; programs have a page of their own."""
    held = Membership.objects.filter(tenant=tenant)
    if role in Role.values:
        held = held.filter(role=role)
    people = User.objects.filter(pk__in=held.values("user"), kind=User.Kind.PERSON)
    return searched(people, wanted).order_by("username")


def members(tenant: Tenant, people: Iterable[User]) -> list[Member]:
    """Return these people with their roles in the tenant (one query)."""
    listed = list(people)
    rows: dict[int, list[Membership]] = defaultdict(list)
    found = Membership.objects.filter(tenant=tenant, user__in=listed).select_related("user", "tenant", "given_by")
    for row in sorted(found, key=lambda one: (-STRENGTH[one.role], one.source)):
        rows[row.user_id].append(row)
    return [Member(user, rows[user.pk]) for user in listed]


def groups(tenant: Tenant | None) -> list[MappedGroup]:
    """Return the mappings of a tenant, or of the platform, each with how many people have its role by it."""
    mappings = GroupMapping.objects.filter(tenant=tenant).select_related("made_by", "directory").order_by("group_dn")
    held: QuerySet[Membership] | QuerySet[PlatformGrant] = (
        Membership.objects.filter(tenant=tenant) if tenant else PlatformGrant.objects.all()
    )
    rows = held.filter(source=Source.DIRECTORY).order_by().values_list("via", "role").annotate(people=Count("user"))
    counts = Counter({(via, role): people for via, role, people in rows})
    return [MappedGroup(row, counts[row.group_dn, row.role]) for row in mappings]


def candidates(prefix: str, most: int = 8) -> QuerySet[User]:
    """Return active people whose user name or name begins with a text of at least two letters."""
    prefix = prefix.strip()[:100]
    if len(prefix) < 2:  # noqa: PLR2004 - or one could leaf through the whole company
        return User.objects.none()
    begins = Q(username__istartswith=prefix) | Q(display_name__istartswith=prefix)
    begins |= Q(display_name_zh__istartswith=prefix)
    return User.objects.filter(begins, is_active=True, kind=User.Kind.PERSON).order_by("username")[:most]


def known_person(username: str) -> User:
    """Return the active person of a user name. Raises Invalid when nobody called so has signed in here yet."""
    found = User.objects.filter(username__iexact=username, kind=User.Kind.PERSON, is_active=True).first()
    if found is None:
        raise Invalid("error.person_unknown", field="username", username=username[:150])
    return found
