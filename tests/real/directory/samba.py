"""A Samba domain controller: a real Active Directory, so far as it goes, without Windows."""

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import ldap

from pks_portal.default_set import mapping, ports
from pks_portal.default_set.people import PASSWORD, PEOPLE, TEAMS
from tenants.directory.config import SHAPES, Config
from tests.real.directory.lab import ADMIN_PASSWORD, SERVICE_PASSWORD, Lab


class Samba(Lab):
    """A real Active Directory domain controller on a loopback address of its own; needs root for its fixed ports."""

    kind = "ad"
    admin_name = "administrator@corp.example"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.address = _free_address()
        self.config = Config(
            uris=(f"ldaps://{self.address}:636",),
            ca_file=str(directory / "server.pem"),
            bind_dn="portal@corp.example",
            bind_password=SERVICE_PASSWORD,
            user_base=mapping.USER_BASE,
            group_base=mapping.GROUP_BASE,
            kind="ad",
            user_filter=SHAPES["ad"].user_filter,
            group_filter=SHAPES["ad"].group_filter,
            start_tls=False,
        )
        self._certificate()
        self._provision()
        self.start()
        with self.admin() as link:
            self._seed(link)

    @property
    def command(self) -> list[str]:
        conf = str(self.directory / "dc/etc/smb.conf")
        return ["/usr/sbin/samba", "-F", "-M", "single", "-s", conf, "--debug-stdout", "-d", "0"]

    def dn(self, login: str) -> str:
        with self.admin() as link:
            found = link.search_s(mapping.USER_BASE, ldap.SCOPE_SUBTREE, f"(sAMAccountName={login})", ["1.1"])
        return next(str(dn) for dn, _ in found if dn)

    def add(self, login: str, password: str = PASSWORD, **attributes: str) -> None:
        with self.admin() as link:
            self.added.append(_add_user(link, f"ou=risk,{mapping.USER_BASE}", login, password, **attributes))

    def rename(self, login: str, new: str) -> None:
        dn = self.dn(login)
        names = (("sAMAccountName", new), ("userPrincipalName", f"{new}@corp.example"))
        with self.admin() as link:
            link.modify_s(dn, [(ldap.MOD_REPLACE, name, [value.encode()]) for name, value in names])
            link.rename_s(dn, f"cn={new}")
        self.added[:] = [dn.replace(f"cn={login},", f"cn={new},") if one == dn else one for one in self.added]
        self.added.append(f"cn={new},{dn.partition(',')[2]}")

    def must_change(self, login: str) -> None:
        dn = self.dn(login)
        with self.admin() as link:
            link.modify_s(dn, [(ldap.MOD_REPLACE, "pwdLastSet", [b"0"])])

    def disable(self, login: str, *, disabled: bool = True) -> None:
        self._set(login, "userAccountControl", "514" if disabled else "512")

    def expire(self, login: str) -> None:
        self._set(login, "accountExpires", "132223104000000000")  # 2020-01-01

    def _set(self, login: str, name: str, value: str) -> None:
        dn = self.dn(login)
        with self.admin() as link:
            link.modify_s(dn, [(ldap.MOD_REPLACE, name, [value.encode()])])

    def crowd(self, group: str, number: int) -> None:
        """Make people without a password: deriving its keys is what takes 30 ms each."""
        base = f"ou=crowd,{mapping.USER_BASE}"
        with self.admin() as link:
            with suppress(ldap.ALREADY_EXISTS):
                link.add_s(base, [("objectClass", [b"organizationalUnit"])])
            members = []
            for one in range(1, number + 1):
                name = f"crowd-{one:04}"
                members.append(f"cn={name},{base}")
                values = {"objectClass": "user", "sAMAccountName": name, "userAccountControl": "544"}
                with suppress(ldap.ALREADY_EXISTS):
                    link.add_s(members[-1], [(key, [value.encode()]) for key, value in values.items()])
            with suppress(ldap.ALREADY_EXISTS):
                _add_group(link, group, members)

    def failures(self, login: str) -> int:
        return int((self.value(self.dn(login), "badPwdCount") or [b"0"])[0])

    def unlock(self, link: Any) -> None:
        found = link.search_s(mapping.USER_BASE, ldap.SCOPE_SUBTREE, "(badPwdCount>=1)", ["1.1"])
        for dn in (dn for dn, _ in found if dn):
            link.modify_s(dn, [(ldap.MOD_REPLACE, "lockoutTime", [b"0"])])

    def _certificate(self) -> None:
        pem, key = self.directory / "server.pem", self.directory / "server.key"
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=dc1"]
        files = ["-addext", f"subjectAltName=IP:{self.address}", "-keyout", str(key), "-out", str(pem)]
        subprocess.run(["openssl", "req", "-x509", *new, *files], check=True, capture_output=True, timeout=60)
        key.chmod(0o600)

    def _provision(self) -> None:
        directory, empty = self.directory / "dc", self.directory / "empty.conf"
        empty.touch()  # or Debian's own smb.conf is mixed in
        command = f"""samba-tool domain provision -s {empty} --targetdir={directory} --realm=CORP.EXAMPLE --domain=CORP
            --host-name=dc1 --host-ip={self.address} --server-role=dc --dns-backend=NONE"""
        options = [f"interfaces={self.address}/8", "bind interfaces only=yes", "server services=ldap"]
        done = subprocess.run(
            [*command.split(), f"--adminpass={ADMIN_PASSWORD}", *(f"--option={option}" for option in options)],
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        run = directory / "run"
        run.mkdir(exist_ok=True)
        (directory / "cache").mkdir(exist_ok=True)
        own = {
            "pid directory": run,
            "ncalrpc dir": run / "ncalrpc",
            "winbindd socket directory": run / "winbindd",
            "ntp signd socket directory": run / "ntp",
            "tls certfile": self.directory / "server.pem",
            "tls keyfile": self.directory / "server.key",
            "tls cafile": self.directory / "server.pem",
            "log file": self.directory / "samba.log",
        }
        conf = directory / "etc/smb.conf"
        lines = "".join(f"\t{name} = {value}\n" for name, value in own.items())
        conf.write_text(conf.read_text().replace("[global]\n", f"[global]\n{lines}", 1))

    def _seed(self, link: Any) -> None:
        rules = {"lockoutThreshold": "5", "minPwdAge": "0"}
        link.modify_s(mapping.SUFFIX, [(ldap.MOD_REPLACE, name, [value.encode()]) for name, value in rules.items()])
        units = [f"ou={unit},{mapping.SUFFIX}" for unit in ("people", "groups", "service")]
        for dn in (*units, *(f"ou={unit},{mapping.USER_BASE}" for unit in PEOPLE)):
            link.add_s(dn, [("objectClass", [b"organizationalUnit"])])
        _add_user(link, f"ou=service,{mapping.SUFFIX}", "portal", SERVICE_PASSWORD)
        members: dict[str, list[str]] = {}
        for unit, people in PEOPLE.items():
            for person in people:
                names = {"displayName": person.name_en, "mail": f"{person.uid}@corp.example"}
                control = "514" if person.disabled else "512"
                dn = _add_user(link, f"ou={unit},{mapping.USER_BASE}", person.uid, PASSWORD, control=control, **names)
                members.setdefault(person.group, []).append(dn)
        for team, (_, parent) in TEAMS.items():
            members.setdefault(parent, []).append(mapping.group_dn(team))
            _add_group(link, team, members.pop(team))
        for dn, *_ in mapping.MAPPINGS:
            name = dn.split(",")[0].removeprefix("cn=")
            _add_group(link, name, members.pop(name))


def _add_user(link: Any, base: str, login: str, password: str, *, control: str = "512", **attributes: str) -> str:
    dn = f"cn={ldap.dn.escape_dn_chars(login)},{base}"
    values = {"objectClass": "user", "sAMAccountName": login, "userPrincipalName": f"{login}@corp.example"}
    text = {name: [value.encode()] for name, value in (values | attributes).items()}
    text |= {"unicodePwd": [f'"{password}"'.encode("utf-16-le")], "userAccountControl": [control.encode()]}
    link.add_s(dn, list(text.items()))
    return dn


def _add_group(link: Any, name: str, members: list[str]) -> None:
    values = {"objectClass": ["group"], "sAMAccountName": [name], "member": members}
    link.add_s(mapping.group_dn(name), [(key, [one.encode() for one in many]) for key, many in values.items()])


def _free_address() -> str:
    for last in range(2, 250):
        address = f"127.77.0.{last}"
        if all(ports.is_free(address, port) for port in (389, 636, 3268, 3269)):
            return address
    raise RuntimeError("no loopback address is free")


def why_not_samba() -> str:
    """Return why a domain controller cannot be started here, empty when it can."""
    missing = [name for name in ("samba", "samba-tool", "openssl") if not shutil.which(name)]
    return f"not installed: {', '.join(missing)}" if missing else ""
