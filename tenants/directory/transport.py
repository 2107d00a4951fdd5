"""Connections to directory servers: encrypted or none, each step with a deadline, dead servers tried last.

libldap over GnuTLS waits for ever, at full load, in a TLS handshake that gets no answer, whatever its timeouts say. So
each server is first asked by a handshake of Python's own.
"""

import socket
import ssl
import threading
import time
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import ldap

from pks_portal.errors import Unavailable
from tenants.directory.config import Config

COOL_DOWN: Final = 30.0  # seconds during which a server that failed is tried after the others
START_TLS: Final = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
RESULT_CODE: Final = b"\x0a\x01"  # BER: an enumeration of one byte

_until: dict[str, float] = {}
_lock = threading.Lock()


class DirectoryUnavailable(Unavailable):
    """No directory server gave an answer that could be used; `cause` says why, server by server."""

    def __init__(self, cause: str) -> None:
        super().__init__("error.directory_unavailable", system="directory", cause=cause)


def connect(config: Config) -> Any:
    """Return a connection (python-ldap's LDAPObject) that is encrypted but not bound; one per thread and deed.

    Raises DirectoryUnavailable when no server answers in time with a certificate that is trusted.
    """
    failures = []
    now = time.monotonic()
    for uri in sorted(config.uris, key=lambda uri: _until.get(uri, 0) > now):
        try:
            preflight(uri, config)
            link = _open(uri, config)
        except (OSError, ldap.LDAPError) as error:  # ssl.SSLError is an OSError
            failures.append(f"{uri}: {explain(error)}")
            _mark(uri, time.monotonic() + COOL_DOWN)
        else:
            _mark(uri, 0)
            return link
    raise DirectoryUnavailable("; ".join(failures))


def preflight(uri: str, config: Config) -> None:
    """Shake hands with a server within `connect_timeout`; raises OSError (ssl.SSLError too) when that fails."""
    parts = urlsplit(uri)
    host = parts.hostname or ""
    encrypted_from_start = parts.scheme == "ldaps"
    if not encrypted_from_start and not config.start_tls:
        raise ConnectionRefusedError("an unencrypted connection is not allowed")
    if host == "localhost":
        raise ConnectionRefusedError("write 127.0.0.1: libldap takes localhost for this machine's own name")
    deadline = time.monotonic() + config.connect_timeout
    context = ssl.create_default_context(cafile=config.ca_file or None)
    with socket.create_connection((host, _port(parts)), config.connect_timeout) as plain:
        if not encrypted_from_start:
            plain.settimeout(_remaining(deadline))
            _start_tls(plain)
        plain.settimeout(_remaining(deadline))
        with context.wrap_socket(plain, server_hostname=host):
            pass


def explain(error: Exception) -> str:
    """Return the error's own words in one line; libldap's have no secrets in them."""
    if isinstance(error, ldap.LDAPError):
        facts = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
        words = [type(error).__name__, str(facts.get("desc", "")), str(facts.get("info", ""))]
        return " ".join(word for word in words if word)
    return str(error) or type(error).__name__


def _mark(uri: str, until: float) -> None:
    with _lock:
        _until[uri] = until


def _port(parts: SplitResult) -> int:
    return parts.port or (636 if parts.scheme == "ldaps" else 389)


def _remaining(deadline: float) -> float:
    return max(0.05, deadline - time.monotonic())


def _start_tls(plain: socket.socket) -> None:
    plain.sendall(START_TLS)
    answer = plain.recv(4096)
    at = answer.find(RESULT_CODE)
    if at < 0 or answer[at + 2 : at + 3] != b"\x00":
        raise ConnectionRefusedError("the server refused StartTLS")


def _open(uri: str, config: Config) -> Any:
    link = ldap.initialize(uri)
    options = [
        (ldap.OPT_PROTOCOL_VERSION, 3),
        (ldap.OPT_REFERRALS, 0),
        (ldap.OPT_NETWORK_TIMEOUT, config.connect_timeout),
        (ldap.OPT_TIMEOUT, config.answer_timeout),
        *([(ldap.OPT_X_TLS_CACERTFILE, config.ca_file)] if config.ca_file else []),
        (ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND),
        (ldap.OPT_X_TLS_PROTOCOL_MIN, ldap.OPT_X_TLS_PROTOCOL_TLS1_2),
        (ldap.OPT_X_TLS_NEWCTX, 0),  # last: makes the others count
    ]
    for option, value in options:
        link.set_option(option, value)
    if not uri.startswith("ldaps:"):
        link.start_tls_s()
    return link
