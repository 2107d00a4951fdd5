"""What the portal asks the directory: who is this, is the password right, which groups, nested ones included."""

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import ldap
from ldap.controls import SimplePagedResultsControl
from ldap.controls.ppolicy import PasswordPolicyControl, PasswordPolicyError
from ldap.filter import escape_filter_chars

from tenants.directory.config import ACTIVE_DIRECTORY, Config, normal_dn
from tenants.directory.transport import DirectoryUnavailable, connect, explain

Entry = tuple[str, dict[str, list[bytes]]]

LONGEST_LOGIN, LONGEST_PASSWORD = 150, 1024  # characters; bytes
IN_CHAIN: Final = "1.2.840.113556.1.4.1941"
AD_CODE: Final = re.compile(r"\bdata ([0-9a-fA-F]{3,4})\b")
AD_REASONS: Final = {
    "530": "logon_hours",
    "531": "workstation",
    "532": "password_expired",
    "533": "disabled",
    "701": "account_expired",
    "773": "must_change",
    "775": "locked",
}
POLICY_REASONS: Final = {"passwordExpired": "password_expired", "accountLocked": "locked"}
LOCKED_FOR_GOOD: Final = b"000001010000Z"
DISABLED_BIT: Final = 2
REFUSALS: Final = (
    ldap.INVALID_CREDENTIALS,
    ldap.INAPPROPRIATE_AUTH,
    ldap.UNWILLING_TO_PERFORM,
    ldap.NO_SUCH_OBJECT,
    ldap.INVALID_DN_SYNTAX,
)


class Rejected(Exception):
    """The directory does not let this person in; `reason` is for the log and the audit trail, not for strangers."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person as the directory knows them now. `id` never changes; login, names and `dn` may."""

    id: str
    login: str
    dn: str
    name: str
    name_zh: str
    mail: str
    enabled: bool


def well_formed(login: str, password: str) -> bool:
    """Say whether a server may be asked at all: an empty password would be an anonymous bind, which succeeds."""
    if not login.strip() or not password or "\0" in login or "\0" in password:
        return False
    return len(login) <= LONGEST_LOGIN and len(password.encode(errors="replace")) <= LONGEST_PASSWORD


class Directory:
    """Every method opens connections of its own, so that one object may serve many threads.

    All raise DirectoryUnavailable when the answer is not known; never take that for "no".
    """

    def __init__(self, config: Config) -> None:
        self.config = config

    def find(self, login: str) -> Person | None:
        """Return the one person with this login name, None when there is none, or more than one."""
        wanted = self.config.user_filter.replace("{login}", escape_filter_chars(login.strip()))
        return self._one(wanted)

    def check_password(self, person: Person | None, password: str) -> None:
        """Raise Rejected unless the password is this person's and they may sign in.

        For nobody (None) the server does the same work, so that the time taken does not tell who exists.
        """
        dn = person.dn if person else f"cn={uuid.uuid4()},{self.config.user_base}"
        if not password or "\0" in password:
            raise Rejected("bad_credentials")
        try:
            self._bind_as(dn, password)
        except Rejected as refusal:
            raise Rejected(_truer(refusal.reason, person)) from refusal
        if person is None or not person.enabled:
            raise Rejected(_truer("", person))

    def groups(self, person: Person) -> frozenset[str]:
        """Return the DNs (see normal_dn) of all groups the person is in, also through other groups."""
        with self._service() as link:
            if self.config.kind == ACTIVE_DIRECTORY:
                found = self._groups_of(link, f"(member:{IN_CHAIN}:={escape_filter_chars(person.dn)})")
            else:
                found = self._climb(link, person.dn)
        return frozenset(normal_dn(dn) for dn in found)

    def _one(self, wanted: str) -> Person | None:
        config = self.config
        with self._service() as link:
            entries = self._search(link, config.user_base, wanted, config.shape.attributes)
            found = [entry for entry, _ in zip(entries, range(2), strict=False)]
        return self._person(*found[0]) if len(found) == 1 else None

    @contextmanager
    def _service(self) -> Iterator[Any]:
        """Give a connection bound as the portal's own account."""
        link = connect(self.config)
        try:
            link.simple_bind_s(self.config.bind_dn, self.config.bind_password)
            yield link
        except ldap.INVALID_CREDENTIALS as error:
            raise DirectoryUnavailable(f"the portal's own account is refused: {explain(error)}") from error
        except ldap.LDAPError as error:
            raise DirectoryUnavailable(explain(error)) from error
        finally:
            _close(link)

    def _bind_as(self, dn: str, password: str) -> None:
        link = connect(self.config)
        try:
            message = link.simple_bind(dn, password, serverctrls=[PasswordPolicyControl()])
            _, _, _, controls = link.result3(message, timeout=self.config.answer_timeout)
        except REFUSALS as error:
            raise Rejected(_reason(error)) from error
        except ldap.LDAPError as error:
            raise DirectoryUnavailable(explain(error)) from error
        finally:
            _close(link)
        if any(_policy_error(control) == "changeAfterReset" for control in controls):
            raise Rejected("must_change")

    def _climb(self, link: Any, dn: str) -> set[str]:
        """Follow membership upwards, one search per level; a loop ends when nothing new is found."""
        seen: set[str] = set()
        level = {dn}
        for _ in range(self.config.nesting):
            if not level:
                break
            wanted = "".join(f"(member={escape_filter_chars(name)})" for name in sorted(level))
            level = self._groups_of(link, f"(|{wanted})") - seen
            seen |= level
        return seen

    def _groups_of(self, link: Any, condition: str) -> set[str]:
        wanted = f"(&{self.config.group_filter}{condition})"
        return {dn for dn, _ in self._search(link, self.config.group_base, wanted, ["1.1"])}

    def _search(self, link: Any, base: str, wanted: str, attributes: list[str]) -> Iterator[Entry]:
        """Yield entries page by page, with smaller pages where the server's own limit is lower; no referrals."""
        control = SimplePagedResultsControl(criticality=True, size=self.config.page_size, cookie=b"")
        while True:
            message = link.search_ext(base, ldap.SCOPE_SUBTREE, wanted, attributes, serverctrls=[control])
            try:
                _, found, _, controls = link.result3(message, timeout=self.config.answer_timeout)
            except ldap.ADMINLIMIT_EXCEEDED:
                if control.cookie or control.size < 20:  # noqa: PLR2004  # smaller pages would not help
                    raise
                control.size //= 2
                continue
            yield from ((dn, values) for dn, values in found if dn)
            cookies = [one.cookie for one in controls if one.controlType == control.controlType]
            if not (cookies and cookies[0]):
                return
            control.cookie = cookies[0]

    def _person(self, dn: str, values: dict[str, list[bytes]]) -> Person:
        shape = self.config.shape

        def text(name: str) -> str:
            return values.get(name, [b""])[0].decode(errors="replace")

        raw = values.get(shape.id, [b""])[0]
        if not raw:
            raise DirectoryUnavailable(f"{dn} has no {shape.id} that the portal's account may read")
        if self.config.kind == ACTIVE_DIRECTORY:
            identity, enabled = str(uuid.UUID(bytes_le=raw)), not int(text(shape.state) or 0) & DISABLED_BIT
        else:
            identity, enabled = raw.decode(), LOCKED_FOR_GOOD not in values.get(shape.state, [])
        login = text(shape.login).lower()
        name_zh = text(shape.name_zh)
        return Person(
            id=identity,
            login=login,
            dn=dn,
            name=text(shape.name) or name_zh or login,
            name_zh=name_zh,
            mail=text("mail").lower(),
            enabled=enabled,
        )


def _truer(reason: str, person: Person | None) -> str:
    """Return why a person is refused, where the bind alone does not tell; OpenLDAP calls the disabled locked."""
    if person is None:
        return "unknown"
    return "disabled" if not person.enabled and reason in {"", "locked"} else reason


def _close(link: Any) -> None:
    with suppress(ldap.LDAPError):
        link.unbind_ext()


def _reason(error: ldap.LDAPError) -> str:
    """Return why a bind was refused: Active Directory says it in the text, others in a control."""
    facts = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    if code := AD_CODE.search(str(facts.get("info", ""))):
        return AD_REASONS.get(code[1].lower(), "bad_credentials")
    for kind, _, value in facts.get("ctrls", []):
        if kind == PasswordPolicyControl.controlType:
            control = PasswordPolicyControl()
            control.decodeControlValue(value)
            return POLICY_REASONS.get(_policy_error(control), "bad_credentials")
    return "bad_credentials"


def _policy_error(control: Any) -> str:
    """Return the password policy's error by name, empty when there is none."""
    number = getattr(control, "error", None)
    return "" if number is None else str(PasswordPolicyError.namedValues[int(number)])
