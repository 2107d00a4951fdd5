"""Two real directories with the demo's people: slapd, as the product starts it, and a Samba domain controller."""

import secrets
import shutil
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ldap

from pks_portal.default_set import directory as demo
from pks_portal.default_set import mapping, ports
from pks_portal.default_set.people import PASSWORD, PEOPLE, TEAMS
from pks_portal.default_set.place import Place
from tenants.directory.config import SHAPES, Config

SERVICE_PASSWORD = "Portal-" + secrets.token_urlsafe(12)
ADMIN_PASSWORD = "Adm1n-" + secrets.token_urlsafe(12)


class Lab(ABC):
    """One directory that a test may change; `reset` puts back what tests change."""

    kind: str
    config: Config
    admin_name: str

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.process: subprocess.Popen[bytes] | None = None
        self.added: list[str] = []

    @property
    @abstractmethod
    def command(self) -> list[str]: ...

    @abstractmethod
    def dn(self, login: str) -> str: ...

    @abstractmethod
    def add(self, login: str, password: str = PASSWORD, **attributes: str) -> None: ...

    @abstractmethod
    def rename(self, login: str, new: str) -> None: ...

    @abstractmethod
    def must_change(self, login: str) -> None: ...

    @abstractmethod
    def failures(self, login: str) -> int:
        """Return how many wrong passwords the directory itself has counted for the person."""

    @abstractmethod
    def unlock(self, link: Any) -> None: ...

    def start(self) -> None:
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            with suppress(ldap.LDAPError, OSError):
                self.link(*self.readiness).unbind_s()
                return
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError((self.directory / "server.log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)

    @property
    def readiness(self) -> tuple[str, str]:
        """Name and password that can bind as soon as the server is up."""
        return self.admin_name, ADMIN_PASSWORD

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
            self.process = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stop the server for a while."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def link(self, name: str, password: str) -> Any:
        address = self.config.uris[0].removeprefix("ldaps://").rpartition(":")
        socket.create_connection((address[0], int(address[2])), 2).close()
        link = ldap.initialize(self.config.uris[0])
        for option, value in (
            (ldap.OPT_REFERRALS, 0),
            (ldap.OPT_NETWORK_TIMEOUT, 10),
            (ldap.OPT_TIMEOUT, 30),
            (ldap.OPT_X_TLS_CACERTFILE, self.config.ca_file),
            (ldap.OPT_X_TLS_NEWCTX, 0),
        ):
            link.set_option(option, value)
        link.simple_bind_s(name, password)
        return link

    @contextmanager
    def admin(self) -> Iterator[Any]:
        link = self.link(self.admin_name, ADMIN_PASSWORD)
        try:
            yield link
        finally:
            link.unbind_s()

    def value(self, dn: str, name: str) -> list[bytes]:
        with self.admin() as link:
            (_, values), *_ = link.search_s(dn, ldap.SCOPE_BASE, "(objectClass=*)", [name])
        return list(values.get(name, []))

    def put(self, login: str, group: str) -> None:
        self._member(ldap.MOD_ADD, login, group)

    def take(self, login: str, group: str) -> None:
        self._member(ldap.MOD_DELETE, login, group)

    def _member(self, change: int, login: str, group: str) -> None:
        with self.admin() as link:
            link.modify_s(mapping.group_dn(group), [(change, "member", [self.dn(login).encode()])])

    def forget(self) -> None:
        """Delete the people whom a test added."""
        with self.admin() as link:
            self.unlock(link)
            for dn in self.added:
                with suppress(ldap.NO_SUCH_OBJECT):
                    link.delete_s(dn)
        self.added.clear()


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

    def failures(self, login: str) -> int:
        return len(self.value(self.dn(login), "pwdFailureTime"))

    def unlock(self, link: Any) -> None:
        found = link.search_s(mapping.USER_BASE, ldap.SCOPE_SUBTREE, "(pwdFailureTime=*)", ["pwdAccountLockedTime"])
        for dn, _ in found:
            link.modify_s(dn, [(ldap.MOD_REPLACE, "pwdAccountLockedTime", None)])
            with suppress(ldap.INVALID_CREDENTIALS):  # only the right password clears the count
                self.link(dn, PASSWORD).unbind_s()


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
