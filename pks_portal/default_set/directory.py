"""The demo directory: a real slapd on loopback, its configuration built offline, its people added over the wire.

Over the wire and not with slapadd, because only then do the overlays keep memberOf and the password policy.
"""

import shutil
import ssl
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from socket import create_connection
from typing import Any, Final
from uuid import UUID, uuid5

import ldap
from argon2 import PasswordHasher
from ldap import modlist
from ldap.controls.simple import RelaxRulesControl

from pks_portal.default_set import certificates, mapping
from pks_portal.default_set.configuration import fingerprint
from pks_portal.default_set.entries import Entry, entries
from pks_portal.default_set.place import Place, write
from pks_portal.default_set.words import SetError, _

TEMPLATE: Final = Path("deploy/demo_directory/config.ldif")
TIMEOUT: Final = 10.0
IDS: Final = UUID("5b1f3d0e-6a52-4c6f-9d0a-3a8e6f0c2b11")
"""From it and a DN follows an entry's id, the same in every demo directory."""


def configure(place: Place, admin_password: str) -> Path:
    """Write certificate and configuration; return the file whose change means that slapd must start anew."""
    directory = place.data / "directory"
    certificates.ensure(directory / "tls")
    (directory / "data").mkdir(mode=0o700, exist_ok=True)
    text = (place.checkout / TEMPLATE).read_text(encoding="utf-8")
    filled = {
        "DIRECTORY": str(directory),
        "TLS": str(directory / "tls"),
        "SUFFIX": mapping.SUFFIX,
        "BIND_DN": mapping.BIND_DN,
        "ADMIN_DN": mapping.ADMIN_DN,
        "ADMIN_PASSWORD": admin_password,
    }
    for name, value in filled.items():
        text = text.replace(f"@{name}@", value)
    file = directory / "config.ldif"
    write(file, text)
    return file


def build(place: Place) -> None:
    """Make slapd.d from the configuration file where it is of another; slapd must not run meanwhile."""
    directory = place.data / "directory"
    file, stamp = directory / "config.ldif", directory / "built"
    wanted = fingerprint(file)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    shutil.rmtree(directory / "slapd.d", ignore_errors=True)
    (directory / "slapd.d").mkdir(mode=0o700)
    command = ["/usr/sbin/slapadd", "-n", "0", "-F", str(directory / "slapd.d"), "-l", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        raise SetError(_("The demo directory's configuration was refused: %(cause)s", cause=done.stderr.strip()[-500:]))
    write(stamp, wanted)


def wait(place: Place, port: int, deadline: float) -> None:
    """Wait until slapd answers a TLS handshake; libldap itself would wait for a silent peer without end."""
    context = ssl.create_default_context(cafile=str(place.data / "directory" / "tls" / "ca.pem"))
    while True:
        try:
            with (
                create_connection(("127.0.0.1", port), 1) as plain,
                context.wrap_socket(plain, server_hostname="127.0.0.1"),
            ):
                return
        except OSError as error:
            if time.monotonic() > deadline:
                log = place.log / "directory.log"
                raise SetError(
                    _("The demo directory does not answer (%(cause)s); see %(log)s.", cause=error, log=log)
                ) from error
            time.sleep(0.05)


def seed(place: Place, port: int, known: Mapping[str, str]) -> int:
    """Add or correct the demo's people and groups; return how many entries were changed.

    Passwords are set once, when a person is added, so that one who changed theirs keeps it.
    """
    link = connect(place, port, mapping.ADMIN_DN, known["directory-admin-password"])
    try:
        changed = _add_and_correct(link, entries(known["directory-password"]))
        return changed + _keep_service_password(link, place, port, known["directory-password"])
    except ldap.LDAPError as error:
        raise SetError(_("The demo directory refused its people: %(cause)s", cause=error)) from error
    finally:
        link.unbind_s()


def connect(place: Place, port: int, name: str, password: str) -> Any:
    """Return a bound connection (python-ldap's LDAPObject) over TLS; raises ldap.LDAPError."""
    link = ldap.initialize(f"ldaps://127.0.0.1:{port}")
    link.set_option(ldap.OPT_NETWORK_TIMEOUT, TIMEOUT)
    link.set_option(ldap.OPT_TIMEOUT, TIMEOUT)
    link.set_option(ldap.OPT_X_TLS_CACERTFILE, str(place.data / "directory" / "tls" / "ca.pem"))
    link.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
    link.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
    link.simple_bind_s(name, password)
    return link


def _hash(password: str) -> bytes:
    """Return what slapd's argon2 module stores, with that module's own cost (7 MiB, 5 rounds)."""
    return b"{ARGON2}" + PasswordHasher(time_cost=5, memory_cost=7168, parallelism=1).hash(password).encode()


def _present(link: Any) -> dict[str, Entry]:
    try:
        found = link.search_s(mapping.SUFFIX, ldap.SCOPE_SUBTREE, "(objectClass=*)", ["*", "pwdAccountLockedTime"])
    except ldap.NO_SUCH_OBJECT:
        return {}
    return {dn: attributes for dn, attributes in found if dn}


def _add_and_correct(link: Any, wanted: Mapping[str, Entry]) -> int:
    present, changed = _present(link), 0
    hashes: dict[bytes, bytes] = {}
    for dn, entry in wanted.items():
        plain = entry.pop("userPassword", None)
        if dn not in present:
            if plain and plain[0] not in hashes:
                hashes[plain[0]] = _hash(plain[0].decode())
            stored = {"userPassword": [hashes[plain[0]]]} if plain else {}
            given = {"entryUUID": [str(uuid5(IDS, dn)).encode()]}  # a set restored elsewhere knows its people again
            link.add_ext_s(dn, modlist.addModlist(entry | stored | given), serverctrls=[RelaxRulesControl()])
            changed += 1
        elif changes := modlist.modifyModlist({name: present[dn].get(name, []) for name in entry}, entry):
            link.modify_s(dn, changes)
            changed += 1
    return changed


def _keep_service_password(link: Any, place: Place, port: int, password: str) -> int:
    try:
        connect(place, port, mapping.BIND_DN, password).unbind_s()
    except ldap.INVALID_CREDENTIALS:
        link.modify_s(mapping.BIND_DN, [(ldap.MOD_REPLACE, "userPassword", [_hash(password)])])
        link.modify_s(mapping.BIND_DN, [(ldap.MOD_REPLACE, "pwdAccountLockedTime", None)])
        return 1
    return 0
