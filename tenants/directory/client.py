"""What the portal asks the directory: who is this, is the password right, which groups, nested ones included."""

import re
import uuid
from typing import Any, Final

import ldap
from ldap.controls.ppolicy import PasswordPolicyControl, PasswordPolicyError
from ldap.filter import escape_filter_chars

from tenants.directory.config import ACTIVE_DIRECTORY, normal_dn
from tenants.directory.searching import IN_CHAIN, Person, Searcher, close
from tenants.directory.transport import DirectoryUnavailable, connect, explain, failed

LONGEST_LOGIN, LONGEST_PASSWORD = 150, 1024  # characters; bytes
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


def well_formed(login: str, password: str) -> bool:
    """Say whether a server may be asked at all: an empty password would be an anonymous bind, which succeeds."""
    if not login.strip() or not password or "\0" in login or "\0" in password:
        return False
    return len(login) <= LONGEST_LOGIN and len(password.encode(errors="replace")) <= LONGEST_PASSWORD


class Directory(Searcher):
    """One directory, asked about one person."""

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
        with self.service() as link:
            if self.config.kind == ACTIVE_DIRECTORY:
                found = self._groups_of(link, f"(member:{IN_CHAIN}:={escape_filter_chars(person.dn)})")
            else:
                found = self._climb(link, person.dn)
        return frozenset(normal_dn(dn) for dn in found)

    def _one(self, wanted: str) -> Person | None:
        config = self.config
        with self.service() as link:
            entries = self.search(link, config.user_base, wanted, config.shape.attributes)
            found = [entry for entry, _ in zip(entries, range(2), strict=False)]
        return self.person(*found[0]) if len(found) == 1 else None

    def _bind_as(self, dn: str, password: str) -> None:
        link = connect(self.config, self.patience)
        try:
            message = link.simple_bind(dn, password, serverctrls=[PasswordPolicyControl()])
            _, _, _, controls = link.result3(message, timeout=self._answer_timeout)
        except REFUSALS as error:
            raise Rejected(_reason(error)) from error
        except ldap.LDAPError as error:
            failed(link, error)
            raise DirectoryUnavailable(explain(error)) from error
        finally:
            close(link)
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
        return {dn for dn, _ in self.search(link, self.config.group_base, wanted, ["1.1"])}


def _truer(reason: str, person: Person | None) -> str:
    """Return why a person is refused, where the bind alone does not tell; OpenLDAP calls the disabled locked."""
    if person is None:
        return "unknown"
    return "disabled" if not person.enabled and reason in {"", "locked"} else reason


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
