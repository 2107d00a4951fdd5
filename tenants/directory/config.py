"""How a company directory is reached and read; the environment's comes from settings.DIRECTORY."""

from dataclasses import dataclass, field
from typing import Final, Self
from uuid import UUID

import ldap.dn
from django.conf import settings

from tenants.models.directory import ENVIRONMENT

OPENLDAP, ACTIVE_DIRECTORY = "openldap", "ad"


@dataclass(frozen=True, slots=True)
class Shape:
    """What differs between kinds of directory: attribute names and the usual filters."""

    id: str
    login: str
    name: str
    name_zh: str
    state: str
    expiry: str
    user_filter: str
    group_filter: str

    @property
    def attributes(self) -> list[str]:
        """The attributes that are read of a person; ids are operational and come only when named."""
        names = (self.id, self.login, self.name, self.name_zh, self.state, self.expiry, "mail")
        return [name for name in names if name]


SHAPES: Final = {
    OPENLDAP: Shape(
        id="entryUUID",
        login="uid",
        name="displayName",
        name_zh="cn",
        state="pwdAccountLockedTime",
        expiry="pwdEndTime",
        user_filter="(&(objectClass=inetOrgPerson)(uid={login}))",
        group_filter="(objectClass=groupOfNames)",
    ),
    ACTIVE_DIRECTORY: Shape(
        id="objectGUID",
        login="sAMAccountName",
        name="displayName",
        name_zh="",
        state="userAccountControl",
        expiry="accountExpires",
        user_filter=(
            "(&(objectCategory=person)(objectClass=user)(|(sAMAccountName={login})(userPrincipalName={login})))"
        ),
        group_filter="(objectClass=group)",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    r"""One directory, perhaps on several servers (`uris`, tried in order); timeouts in seconds.

    `user_filter` has one "{login}". An empty `ca_file` means the authorities that the system trusts. `domain` and
    `suffixes` tell whose a name is: CORP in CORP\li.na, corp.example in li.na@corp.example; both in lower case.
    `locked`: the bind password cannot be opened, so nobody is asked: an outage of this directory and of no other.
    """

    uris: tuple[str, ...]
    bind_dn: str
    bind_password: str = field(repr=False)
    user_base: str
    group_base: str
    kind: str = OPENLDAP
    user_filter: str = ""
    group_filter: str = ""
    ca_file: str = ""
    start_tls: bool = True
    connect_timeout: float = 2.0
    answer_timeout: float = 5.0
    page_size: int = 200
    nesting: int = 10
    source: UUID = ENVIRONMENT
    domain: str = ""
    suffixes: tuple[str, ...] = ()
    locked: bool = False

    @property
    def shape(self) -> Shape:
        return SHAPES[self.kind]

    @classmethod
    def from_settings(cls) -> Self | None:
        """Return the configured directory, None where only local accounts are wanted."""
        given = {name: value for name, value in settings.DIRECTORY.items() if value != ""}
        if not given.get("uris"):
            return None
        shape = SHAPES[given.get("kind", OPENLDAP)]
        filters = {"user_filter": shape.user_filter, "group_filter": shape.group_filter}
        suffixes = tuple(suffix.lower() for suffix in given.get("suffixes", ()))
        given |= {"uris": tuple(given["uris"]), "domain": given.get("domain", "").lower(), "suffixes": suffixes}
        return cls(**{"bind_password": "", **filters, **given})


def normal_dn(dn: str) -> str:
    """Return the DN as it is compared: lower case, no blanks between its parts."""
    try:
        return str(ldap.dn.dn2str(ldap.dn.str2dn(dn))).lower()
    except ldap.DECODING_ERROR:
        return dn.lower()
