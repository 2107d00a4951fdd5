"""Searches as the portal's own account: paged, bounded, referrals left out; and people made of what is found."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import ldap
from django.utils import timezone
from ldap.controls import SimplePagedResultsControl

from tenants.directory.config import ACTIVE_DIRECTORY, Config
from tenants.directory.transport import DirectoryUnavailable, Patience, connect, explain, failed
from tenants.models.directory import ENVIRONMENT

Values = dict[str, list[bytes]]
Entry = tuple[str, Values]

IN_CHAIN: Final = "1.2.840.113556.1.4.1941"
MOST_ENTRIES, MOST_PAGES = 200_000, 20_000
"""What one search may bring; a server that sends more is ill or hostile."""
LONGEST_VALUE: Final = 4096  # bytes of a name
LOCKED_FOR_GOOD: Final = b"000001010000Z"
DISABLED_BIT: Final = 2
SMALLEST_PAGE: Final = 20
NEVER: Final = {0, 0x7FFFFFFFFFFFFFFF}
FILETIME_EPOCH: Final = 11_644_473_600  # seconds from 1601 to 1970


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person as the directory knows them now. `source` and `id` never change; login, names and `dn` may."""

    id: str
    login: str
    dn: str
    name: str
    name_zh: str
    mail: str
    enabled: bool
    source: uuid.UUID = ENVIRONMENT


class Searcher:
    """Every method opens connections of its own, so that one object may serve many threads.

    All raise DirectoryUnavailable when the answer is not known; never take that for "no".
    """

    def __init__(self, config: Config, patience: Patience | None = None) -> None:
        self.config = config
        self.patience = patience

    @contextmanager
    def service(self) -> Iterator[Any]:
        """Give a connection bound as the portal's own account."""
        link = connect(self.config, self.patience)
        try:
            with (self.patience or Patience(0)).waiting():
                link.simple_bind_s(self.config.bind_dn, self.config.bind_password)
                yield link
        except ldap.INVALID_CREDENTIALS as error:
            raise DirectoryUnavailable(f"the portal's own account is refused: {explain(error)}") from error
        except ldap.LDAPError as error:
            failed(link, error)
            raise DirectoryUnavailable(explain(error)) from error
        finally:
            close(link)

    def search(
        self, link: Any, base: str, wanted: str, attributes: list[str], *, scope: int = ldap.SCOPE_SUBTREE
    ) -> Iterator[Entry]:
        """Yield entries page by page, with smaller pages where the server's own limit is lower; no referrals."""
        control = SimplePagedResultsControl(criticality=True, size=self.config.page_size, cookie=b"")
        entries = 0
        for _page in range(MOST_PAGES):
            message = link.search_ext(base, scope, wanted, attributes, serverctrls=[control])
            try:
                _, found, _, controls = link.result3(message, timeout=self._answer_timeout)
            except ldap.ADMINLIMIT_EXCEEDED:
                if control.cookie or control.size < SMALLEST_PAGE:  # smaller pages would not help
                    raise
                control.size //= 2
                continue
            entries += len(found)
            if entries > MOST_ENTRIES:
                break
            yield from ((dn, values) for dn, values in found if dn)
            cookies = [one.cookie for one in controls if one.controlType == control.controlType]
            if not (cookies and cookies[0]):
                return
            control.cookie = cookies[0]
        raise DirectoryUnavailable(f"the answer has no end: more than {entries} entries below {base}")

    def person(self, dn: str, values: Values) -> Person:
        """Return the person whom an entry describes."""
        shape = self.config.shape
        raw = values.get(shape.id, [b""])[0]
        if not raw:
            raise DirectoryUnavailable(f"{dn} has no {shape.id} that the portal's account may read")
        try:
            identity, enabled = self._identified(raw, values)
            enabled = enabled and not _expired(text(values, shape.expiry))
        except (ValueError, OverflowError) as error:
            named = f"{shape.id}, {shape.state} or {shape.expiry}"
            raise DirectoryUnavailable(f"{dn} has a {named} that is none") from error
        login, name_zh = text(values, shape.login).lower(), text(values, shape.name_zh)
        return Person(
            id=identity,
            login=login,
            dn=dn,
            name=text(values, shape.name) or name_zh or login,
            name_zh=name_zh,
            mail=text(values, "mail").lower(),
            enabled=enabled,
            source=self.config.source,
        )

    def _identified(self, raw: bytes, values: Values) -> tuple[str, bool]:
        """Return what never changes of a person, and whether they may come in. Raises ValueError."""
        state = self.config.shape.state
        if self.config.kind == ACTIVE_DIRECTORY:
            return str(uuid.UUID(bytes_le=raw)), not int(text(values, state) or 0) & DISABLED_BIT
        return raw.decode(), LOCKED_FOR_GOOD not in values.get(state, [])

    @property
    def _answer_timeout(self) -> float:
        seconds = self.config.answer_timeout
        return self.patience.within(seconds) if self.patience else seconds


def text(values: Values, name: str) -> str:
    """Return an attribute's first value as text, cut where no name is that long."""
    return values.get(name, [b""])[0][:LONGEST_VALUE].decode(errors="replace").replace("\0", "")


def close(link: Any) -> None:
    """End a connection, whatever state it is in."""
    with suppress(ldap.LDAPError):
        link.unbind_ext()


def _expired(value: str) -> bool:
    """Say whether the time after which an account is closed has passed: AD's FILETIME, or OpenLDAP's pwdEndTime."""
    now = timezone.now()
    if value.lstrip("-").isdigit():
        return int(value) not in NEVER and int(value) / 10_000_000 - FILETIME_EPOCH < now.timestamp()
    with suppress(ValueError):
        return datetime.strptime(value, "%Y%m%d%H%M%S%z") < now
    return False
