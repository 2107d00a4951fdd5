"""By which groups inside groups a person comes to be in a group."""

from collections import deque
from collections.abc import Collection
from typing import Any, Final

from ldap.filter import escape_filter_chars

from tenants.directory.client import Directory
from tenants.directory.config import normal_dn

MOST_SEARCHES: Final = 60
"""One for each group on the way; who is in more groups than that gets no chain for those beyond."""


class Tracer(Directory):
    """As all that ask the directory: opens its own connections, raises DirectoryUnavailable."""

    def chains(self, login: str, identity: str, groups: Collection[str]) -> dict[str, list[str]]:
        """Return for each of the groups (see normal_dn) the shortest chain of DNs that leads there, itself the last.

        A group that is missing in the answer was not found on the way up: the person is not in it any more.
        """
        person = self.find(login)
        if person is None or person.id != identity:
            return {}
        with self.service() as link:
            return self._up(link, person.dn, set(groups))

    def _up(self, link: Any, dn: str, wanted: set[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        queue: deque[tuple[str, list[str]]] = deque([(dn, [])])
        seen = {normal_dn(dn)}
        for _search in range(MOST_SEARCHES):
            if not queue or wanted <= found.keys():
                break
            here, chain = queue.popleft()
            for parent in sorted(self._groups_of(link, f"(member={escape_filter_chars(here)})")):
                name = normal_dn(parent)
                if name in seen:
                    continue
                seen.add(name)
                queue.append((parent, [*chain, parent]))
                if name in wanted:
                    found[name] = [*chain, parent]
        return found
