"""slapd, configured and filled by the product itself."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import ldap

from pks_portal.default_set import directory as demo
from pks_portal.default_set import mapping, ports
from pks_portal.default_set.people import PASSWORD
from pks_portal.default_set.place import Place
from tenants.directory.config import SHAPES, Config
from tests.real.directory.lab import ADMIN_PASSWORD, SERVICE_PASSWORD, Lab


class Slapd(Lab):
    kind = "openldap"
    admin_name = mapping.ADMIN_DN

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.place = Place(directory, directory, "127.0.0.1", 0)
        self.place.prepare()
        self.port = ports.assign(self.place, ours=())["ldaps"]
        demo.configure(self.place, ADMIN_PASSWORD)
        demo.build(self.place)
        self.config = Config(
            uris=(f"ldaps://127.0.0.1:{self.port}",),
            ca_file=str(directory / "directory/tls/ca.pem"),
            bind_dn=mapping.BIND_DN,
            bind_password=SERVICE_PASSWORD,
            user_base=mapping.USER_BASE,
            group_base=mapping.GROUP_BASE,
            user_filter=SHAPES["openldap"].user_filter,
            group_filter=SHAPES["openldap"].group_filter,
            start_tls=False,
        )
        self.start()
        known = {"directory-admin-password": ADMIN_PASSWORD, "directory-password": SERVICE_PASSWORD}
        demo.seed(self.place, self.port, known)

    @property
    def command(self) -> list[str]:
        listen = f"ldaps://127.0.0.1:{self.port}"
        return ["/usr/sbin/slapd", "-F", str(self.directory / "directory/slapd.d"), "-h", listen, "-d", "none"]

    def dn(self, login: str) -> str:
        with self.admin() as link:
            ((dn, _),) = link.search_s(mapping.USER_BASE, ldap.SCOPE_SUBTREE, f"(uid={login})", ["1.1"])
        return str(dn)

    def add(self, login: str, password: str = PASSWORD, **attributes: str) -> None:
        dn = f"uid={ldap.dn.escape_dn_chars(login)},ou=risk,{mapping.USER_BASE}"
        values = {"objectClass": "inetOrgPerson", "uid": login, "cn": login, "sn": login, "userPassword": password}
        self.added.append(dn)
        with self.admin() as link:
            link.add_s(dn, [(name, [value.encode()]) for name, value in (values | attributes).items()])

    def rename(self, login: str, new: str) -> None:
        dn = self.dn(login)
        with self.admin() as link:
            link.rename_s(dn, f"uid={new}")
        self.added[:] = [dn.replace(f"uid={login},", f"uid={new},") if one == dn else one for one in self.added]

    def must_change(self, login: str) -> None:
        dn, policy = self.dn(login), f"cn=must-change,ou=policies,{mapping.SUFFIX}"
        entry = {"objectClass": ["organizationalRole", "pwdPolicy"], "cn": ["must-change"]}
        entry |= {"pwdAttribute": ["userPassword"], "pwdMustChange": ["TRUE"]}
        with self.admin() as link:
            with suppress(ldap.ALREADY_EXISTS):
                link.add_s(policy, [(name, [value.encode() for value in values]) for name, values in entry.items()])
            wanted = (("pwdPolicySubentry", policy), ("pwdReset", "TRUE"))
            link.modify_s(dn, [(ldap.MOD_REPLACE, name, [value.encode()]) for name, value in wanted])

    def disable(self, login: str, *, disabled: bool = True) -> None:
        dn = self.dn(login)
        with self.admin() as link:
            link.modify_s(dn, [(ldap.MOD_REPLACE, "pwdAccountLockedTime", [b"000001010000Z"] if disabled else None)])

    def expire(self, login: str) -> None:
        dn = self.dn(login)
        with self.admin() as link:
            link.modify_s(dn, [(ldap.MOD_REPLACE, "pwdEndTime", [b"20200101000000Z"])])

    def crowd(self, group: str, number: int) -> None:
        base = f"ou=crowd,{mapping.USER_BASE}"
        names = [f"crowd-{one:04}" for one in range(1, number + 1)]
        with self.admin() as link:
            with suppress(ldap.ALREADY_EXISTS):
                link.add_s(base, [("objectClass", [b"organizationalUnit"])])
            for name in names:
                entry = {"objectClass": "inetOrgPerson", "uid": name, "cn": name, "sn": name}
                with suppress(ldap.ALREADY_EXISTS):
                    link.add_s(f"uid={name},{base}", [(key, [value.encode()]) for key, value in entry.items()])
            members = [f"uid={name},{base}".encode() for name in names]
            with suppress(ldap.ALREADY_EXISTS):
                link.add_s(mapping.group_dn(group), [("objectClass", [b"groupOfNames"]), ("member", members)])

    def failures(self, login: str) -> int:
        return len(self.value(self.dn(login), "pwdFailureTime"))

    def unlock(self, link: Any) -> None:
        found = link.search_s(mapping.USER_BASE, ldap.SCOPE_SUBTREE, "(pwdFailureTime=*)", ["pwdAccountLockedTime"])
        for dn, _ in found:
            link.modify_s(dn, [(ldap.MOD_REPLACE, "pwdAccountLockedTime", None)])
            with suppress(ldap.INVALID_CREDENTIALS):  # only the right password clears the count
                self.link(dn, PASSWORD).unbind_s()
