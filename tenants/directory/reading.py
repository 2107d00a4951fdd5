"""Many people at once: groups to choose from, who is in them, and all that a sync has to know."""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import ldap
import ldap.dn
from ldap.filter import escape_filter_chars

from tenants.directory.client import Directory
from tenants.directory.config import ACTIVE_DIRECTORY, normal_dn
from tenants.directory.searching import IN_CHAIN, Entry, Person, Values, text

MEMBER_OF: Final = "memberOf"
EVERYBODY: Final = "*"
LOOKED_AT: Final = 500
"""Groups among which the first by name are found."""
COUNTING: Final = 3.0
"""Seconds for counting people: a domain controller takes up to a second for one group."""

known_dn = lru_cache(maxsize=50_000)(normal_dn)


@dataclass(frozen=True, slots=True)
class Group:
    """A group to choose: its DN as it is compared, its names, and how many people are in it, through others too."""

    dn: str
    name: str
    description: str
    people: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a directory says of people, by id, and in which of the groups asked for each is."""

    people: dict[str, Person]
    groups: dict[str, frozenset[str]]
    missing: frozenset[str]
    """Groups asked for that are not there."""


class Reader(Directory):
    """One directory, read for many people; what fails half-way gives nothing at all."""

    def browse(self, prefix: str, most: int) -> list[Group]:
        """Return groups whose name begins so, at most that many, with their people counted as far as time allows."""
        begins = escape_filter_chars(prefix.strip())
        wanted = f"(&{self.config.group_filter}(cn={begins}*))"
        with self.service() as link:
            entries = self.search(link, self.config.group_base, wanted, ["cn", "description"])
            begun = sorted(islice(entries, LOOKED_AT), key=lambda entry: text(entry[1], "cn").lower())
            found = begun[:most]
            counted = self._counted(link, [normal_dn(dn) for dn, _ in found])
        facts = [(normal_dn(dn), text(values, "cn"), text(values, "description")) for dn, values in found]
        return [Group(dn, name, description, counted.get(dn)) for dn, name, description in facts]

    def read(self, groups: Collection[str]) -> Seen:
        """Return everybody, and who of them is in the groups (see normal_dn), nested ones included.

        Two or three paged searches, however many groups there are. Raises DirectoryUnavailable when any part of the
        answer is missing, the bases themselves included.
        """
        wanted = frozenset(groups)
        with self.service() as link:
            for base in (self.config.user_base, self.config.group_base):
                link.search_ext_s(base, ldap.SCOPE_BASE, attrlist=["1.1"])
            there = {known_dn(dn) for dn, _ in self.all_groups(link)}
            read = self._read_upwards if self.config.kind == ACTIVE_DIRECTORY else self._read_downwards
            people, of = read(link, wanted)
        return Seen({one.id: one for one in people}, of, wanted - there)

    def everybody(self, link: Any, attributes: list[str] | None = None, condition: str = "") -> Iterator[Entry]:
        """Yield the entries of all people who could sign in, those only that meet the condition."""
        wanted = self.config.user_filter.replace("{login}", EVERYBODY)
        return self.search(
            link,
            self.config.user_base,
            f"(&{wanted}{condition})" if condition else wanted,
            attributes or self.config.shape.attributes,
        )

    def all_groups(self, link: Any) -> Iterator[Entry]:
        """Yield the entries of all groups, without their members."""
        return self.search(link, self.config.group_base, self.config.group_filter, ["cn"])

    def _counted(self, link: Any, groups: list[str]) -> dict[str, int]:
        if self.config.kind == ACTIVE_DIRECTORY:
            until = time.monotonic() + COUNTING
            return {dn: sum(1 for _ in self._in_chain(link, dn, ["1.1"])) for dn in groups if time.monotonic() < until}
        people, tree = {known_dn(dn) for dn, _ in self.everybody(link, ["1.1"])}, self._tree(link)
        return {dn: len(self._below(tree, dn) & people) for dn in groups}

    def _in_chain(self, link: Any, group: str, attributes: list[str]) -> Iterator[Entry]:
        return self.everybody(link, attributes, f"(memberOf:{IN_CHAIN}:={escape_filter_chars(group)})")

    # Active Directory: each person and group names the groups it is in; `member` of large ones is not to be relied on

    def _read_upwards(self, link: Any, wanted: frozenset[str]) -> tuple[list[Person], dict[str, frozenset[str]]]:
        nested = self.search(link, _root(self.config.group_base), "(&(objectClass=group)(memberOf=*))", [MEMBER_OF])
        above = {known_dn(dn): _dns(values, MEMBER_OF) for dn, values in nested}
        reached: dict[str, frozenset[str]] = {}
        people, of = [], {}
        for dn, values in self.everybody(link, [*self.config.shape.attributes, MEMBER_OF]):
            person = self.person(dn, values)
            people.append(person)
            if any(name.lower().startswith(f"{MEMBER_OF};range=".lower()) for name in values):
                mine = self.groups(person) & wanted  # in more groups than a server tells at once
            else:
                mine = frozenset().union(*(_reach(one, above, wanted, reached) for one in _dns(values, MEMBER_OF)))
            if mine:
                of[person.id] = mine
        return people, of

    # others: each group names its members

    def _read_downwards(self, link: Any, wanted: frozenset[str]) -> tuple[list[Person], dict[str, frozenset[str]]]:
        by_dn = {known_dn(dn): self.person(dn, values) for dn, values in self.everybody(link)}
        tree = self._tree(link)
        of: dict[str, set[str]] = {}
        for group in wanted:
            for dn in self._below(tree, group) & by_dn.keys():
                of.setdefault(by_dn[dn].id, set()).add(group)
        return list(by_dn.values()), {one: frozenset(dns) for one, dns in of.items()}

    def _tree(self, link: Any) -> dict[str, list[str]]:
        """Return every group with its direct members."""
        found = self.search(link, self.config.group_base, self.config.group_filter, ["member"])
        return {
            known_dn(dn): [known_dn(one.decode(errors="replace")) for one in values.get("member", [])]
            for dn, values in found
        }

    def _below(self, tree: dict[str, list[str]], group: str) -> set[str]:
        """Return all DNs in a group and in the groups in it, as deep as sign-in climbs; a loop ends by itself."""
        seen: set[str] = set()
        level = {group}
        for _ in range(self.config.nesting):
            level = {member for dn in level for member in tree.get(dn, ())} - seen
            if not level:
                break
            seen |= level
        return seen


def _dns(values: Values, name: str) -> list[str]:
    return [known_dn(one.decode(errors="replace")) for one in values.get(name, [])]


def _root(dn: str) -> str:
    """Return the domain that a DN is in: a group may be nested in one outside the base."""
    parts = ldap.dn.explode_dn(dn)
    domain = [part for part in parts if part.lower().startswith("dc=")]
    return ",".join(domain) or dn


def _reach(
    group: str, above: dict[str, list[str]], wanted: frozenset[str], reached: dict[str, frozenset[str]]
) -> frozenset[str]:
    """Return the wanted groups that a group is or is in; `reached` keeps what is known. A loop ends by itself."""
    if group not in reached:
        seen, level = {group}, {group}
        while level:
            level = {parent for dn in level for parent in above.get(dn, ())} - seen
            seen |= level
        reached[group] = wanted & seen
    return reached[group]
