"""Connections to directory servers: encrypted or none, each step with a deadline, dead servers tried last.

libldap over GnuTLS waits for ever, at full load, in a TLS handshake that gets no answer, whatever its timeouts say. So
each server is first asked by a handshake of Python's own.
"""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import ldap

from pks_portal.errors import Unavailable
from tenants.directory.config import Config

COOL_DOWN: Final = 30.0  # seconds during which a server that failed is tried after the others
LEAST: Final = 0.05
"""Seconds below which no step is begun."""
START_TLS: Final = bytes.fromhex("301d02010177188016") + b"1.3.6.1.4.1.1466.20037"
RESULT_CODE: Final = b"\x0a\x01"  # BER: an enumeration of one byte
AWAY: Final = (ldap.SERVER_DOWN, ldap.TIMEOUT, ldap.CONNECT_ERROR, ldap.UNAVAILABLE, ldap.BUSY)

_until: dict[str, float] = {}
_lock = threading.Lock()


class DirectoryUnavailable(Unavailable):
    """No directory server gave an answer that could be used; `cause` says why, server by server."""

    def __init__(self, cause: str) -> None:
        super().__init__("error.directory_unavailable", system="directory", cause=cause)


class Patience:
    """How long one deed bears silence in all, in seconds; what is answered costs nothing."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    def within(self, seconds: float) -> float:
        """Return how long a step may take that alone would have `seconds`."""
        return max(LEAST, min(seconds, self.left))

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Take the time that the body takes from what is left, if it fails."""
        began = time.monotonic()
        try:
            yield
        except (OSError, ldap.LDAPError):
            self.left -= time.monotonic() - began
            raise


def connect(config: Config, patience: Patience | None = None) -> Any:
    """Return a connection (python-ldap's LDAPObject) that is encrypted but not bound; one per thread and deed.

    Where patience is limited, each server that is still to be tried has an equal share of it. Raises
    DirectoryUnavailable when no server answers in time with a certificate that is trusted.
    """
    patience = patience or Patience(config.connect_timeout * 2 * len(config.uris))
    failures = []
    now = time.monotonic()
    uris = sorted(config.uris, key=lambda uri: _until.get(uri, 0) > now)
    for tried, uri in enumerate(uris):
        share = patience.left / (len(uris) - tried)
        if share < LEAST:
            failures.append(f"{uri}: not tried, the others have taken too long")
            continue
        try:
            with patience.waiting():
                preflight(uri, config, min(config.connect_timeout, share))
                link = _open(uri, config, patience.within(config.answer_timeout))
        except (OSError, ldap.LDAPError) as error:  # ssl.SSLError is an OSError
            failures.append(f"{uri}: {explain(error)}")
            _mark(uri, time.monotonic() + COOL_DOWN)
        else:
            _mark(uri, 0)
            return link
    raise DirectoryUnavailable("; ".join(failures))


def preflight(uri: str, config: Config, seconds: float | None = None) -> dict[str, Any]:
    """Shake hands with a server and return its certificate, as ssl.getpeercert gives it.

    Takes at most `seconds` (else `connect_timeout`); raises OSError (ssl.SSLError too) when it fails.
    """
    parts = urlsplit(uri)
    host = parts.hostname or ""
    encrypted_from_start = parts.scheme == "ldaps"
    if not encrypted_from_start and not config.start_tls:
        raise ConnectionRefusedError("an unencrypted connection is not allowed")
    if host == "localhost":
        raise ConnectionRefusedError("write 127.0.0.1: libldap takes localhost for this machine's own name")
    if config.locked:
        raise PermissionError("its bind password cannot be opened with the portal's keys: type it again")
    deadline = time.monotonic() + (seconds or config.connect_timeout)
    context = ssl.create_default_context(cafile=config.ca_file or None)
    with _connected(host, port_of(parts), deadline) as plain:
        if not encrypted_from_start:
            plain.settimeout(_remaining(deadline))
            _start_tls(plain)
        plain.settimeout(_remaining(deadline))
        with context.wrap_socket(plain, server_hostname=host) as secure:
            return dict(secure.getpeercert() or {})


def explain(error: Exception) -> str:
    """Return the error's own words in one line; libldap's have no secrets in them."""
    if isinstance(error, ldap.LDAPError):
        facts = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
        words = [type(error).__name__, str(facts.get("desc", "")), str(facts.get("info", ""))]
        return " ".join(word for word in words if word)
    return str(error) or type(error).__name__


def port_of(parts: SplitResult) -> int:
    """Return the port of a server's address, the usual one where it has none. Raises ValueError."""
    return parts.port or (636 if parts.scheme == "ldaps" else 389)


def failed(link: Any, error: Exception) -> None:
    """Try a server last for a while that fell silent or away after the connection was made."""
    if isinstance(error, AWAY):
        _mark(link._uri, time.monotonic() + COOL_DOWN)  # noqa: SLF001 - python-ldap has no other name for it


def _mark(uri: str, until: float) -> None:
    with _lock:
        _until[uri] = until


def _remaining(deadline: float) -> float:
    return max(LEAST, deadline - time.monotonic())


def _connected(host: str, port: int, deadline: float) -> socket.socket:
    """Connect to one of a name's addresses; each that is still to be tried has an equal share of the time."""
    addresses = _looked_up(host, port, deadline)
    for tried, address in enumerate(addresses):
        share = max(LEAST, (deadline - time.monotonic()) / (len(addresses) - tried))
        try:
            return socket.create_connection((address, port), share)
        except OSError:
            if tried == len(addresses) - 1 or time.monotonic() >= deadline:
                raise
    raise TimeoutError(f"{host} has no address")


def _looked_up(host: str, port: int, deadline: float) -> list[str]:
    """Return a name's addresses. In a thread of its own, since nothing else can end a resolver."""
    found: SimpleQueue[list[str] | OSError] = SimpleQueue()

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put(list(dict.fromkeys(str(row[4][0]) for row in rows)))
        except OSError as error:
            found.put(error)
        except ValueError as error:  # UnicodeError, of impossible names
            found.put(OSError(str(error)))

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = found.get(timeout=_remaining(deadline))
    except Empty:
        raise TimeoutError(f"the name {host} is not resolved in time") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _start_tls(plain: socket.socket) -> None:
    plain.sendall(START_TLS)
    answer = plain.recv(4096)
    at = answer.find(RESULT_CODE)
    if at < 0 or answer[at + 2 : at + 3] != b"\x00":
        raise ConnectionRefusedError("the server refused StartTLS")


def _open(uri: str, config: Config, answer_timeout: float) -> Any:
    link = ldap.initialize(uri)
    options = [
        (ldap.OPT_PROTOCOL_VERSION, 3),
        (ldap.OPT_REFERRALS, 0),
        (ldap.OPT_NETWORK_TIMEOUT, config.connect_timeout),
        (ldap.OPT_TIMEOUT, answer_timeout),
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
