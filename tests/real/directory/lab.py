"""A real directory with the demo's people in it, that tests may change, stop and start."""

import secrets
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import ldap

from pks_portal.default_set import mapping
from pks_portal.default_set.people import PASSWORD
from tenants.directory.config import Config

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
    def disable(self, login: str, *, disabled: bool = True) -> None: ...

    @abstractmethod
    def expire(self, login: str) -> None:
        """Let the account have ended yesterday."""

    @abstractmethod
    def crowd(self, group: str, number: int) -> None:
        """Make a group of that many people, named crowd-0001 and so on, once."""

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

    def move(self, login: str, unit: str) -> None:
        """Move a person into another unit: the DN changes, and nothing else."""
        dn = self.dn(login)
        name, _, _ = dn.partition(",")
        with self.admin() as link:
            link.rename_s(dn, name, newsuperior=f"ou={unit},{mapping.USER_BASE}")
        self.added[:] = [f"{name},ou={unit},{mapping.USER_BASE}" if one == dn else one for one in self.added]

    def delete(self, login: str) -> None:
        dn = self.dn(login)
        with self.admin() as link:
            link.delete_s(dn)

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
