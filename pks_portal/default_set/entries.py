"""The demo directory's entries, in the order in which they must be added: every member before its group."""

from collections.abc import Iterator
from typing import Final, TypeAlias

from pks_portal.default_set import mapping
from pks_portal.default_set.people import PASSWORD, PEOPLE, TEAMS, UNITS, Person

Entry: TypeAlias = dict[str, list[bytes]]
"""An LDAP entry: attribute to values; userPassword still in clear."""

DISABLED: Final = "000001010000Z"  # pwdAccountLockedTime that means: until an administrator unlocks


def entries(service_password: str) -> dict[str, Entry]:
    """Return every entry of the demo directory by DN; the password is that of the portal's own account."""
    return dict([*_frame(), *_service(service_password), *_people(), *_groups()])


def person_dn(unit: str, uid: str) -> str:
    """Return the DN of a person of an organisational unit."""
    return f"uid={uid},ou={unit},{mapping.USER_BASE}"


def _entry(**attributes: str | list[str]) -> Entry:
    lists = {
        name.replace("__lang_", ";lang-"): [value] if isinstance(value, str) else value
        for name, value in attributes.items()
    }
    return {name: [value.encode() for value in values] for name, values in lists.items()}


def _frame() -> Iterator[tuple[str, Entry]]:
    suffix = mapping.SUFFIX
    yield suffix, _entry(objectClass=["dcObject", "organization"], dc="corp", o="Example Group 示例集团")
    for unit in ("people", "groups", "service", "policies"):
        yield f"ou={unit},{suffix}", _entry(objectClass="organizationalUnit", ou=unit)
    yield (
        f"cn=default,ou=policies,{suffix}",
        _entry(
            objectClass=["organizationalRole", "pwdPolicy"],
            cn="default",
            pwdAttribute="userPassword",
            pwdLockout="TRUE",
            pwdMaxFailure="5",
            pwdLockoutDuration="300",
        ),
    )
    for unit, name in UNITS.items():
        yield f"ou={unit},{mapping.USER_BASE}", _entry(objectClass="organizationalUnit", ou=unit, description=name)


def _service(password: str) -> Iterator[tuple[str, Entry]]:
    classes = ["organizationalRole", "simpleSecurityObject"]
    yield mapping.BIND_DN, _entry(objectClass=classes, cn="portal", userPassword=password)


def _people() -> Iterator[tuple[str, Entry]]:
    for unit, people in PEOPLE.items():
        for person in people:
            yield person_dn(unit, person.uid), _person(person)


def _person(person: Person) -> Entry:
    entry = _entry(
        objectClass="inetOrgPerson",
        uid=person.uid,
        cn=person.name_zh,
        sn=person.name_zh[0],
        givenName=person.name_zh[1:],
        displayName=person.name_en,
        mail=f"{person.uid}@corp.example",
        title=person.title_zh,
        title__lang_en=person.title_en,
        preferredLanguage="zh-CN",
        userPassword=PASSWORD,
    )
    return entry | (_entry(pwdAccountLockedTime=DISABLED) if person.disabled else {})


def _groups() -> Iterator[tuple[str, Entry]]:
    """Teams first, in the order in which they contain each other, then the groups that give roles."""
    members: dict[str, list[str]] = {}
    for unit, people in PEOPLE.items():
        for person in people:
            if person.group:
                members.setdefault(person.group, []).append(person_dn(unit, person.uid))
    for team, (name, parent) in TEAMS.items():
        members.setdefault(parent, []).append(mapping.group_dn(team))
        yield mapping.group_dn(team), _group(team, members.pop(team), name)
    for dn, _slug, _role in mapping.MAPPINGS:
        group = dn.split(",")[0].removeprefix("cn=")
        yield dn, _group(group, members.pop(group))


def _group(name: str, members: list[str], description: str = "") -> Entry:
    text = {"description": description} if description else {}
    return _entry(objectClass="groupOfNames", cn=name, member=members, **text)
