"""Is a directory reached, may its account look, and what does it find? In words, for the settings page."""

import socket
import ssl
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import ldap
from django.utils import timezone

from pks_portal.messages import Said, say
from tenants.directory.config import Config
from tenants.directory.reading import Reader
from tenants.directory.transport import DirectoryUnavailable, Patience, explain, preflight

COUNTED: Final = 10_000
"""People and groups beyond are not counted."""
SAMPLE: Final = 5
PATIENCE: Final = 20.0  # seconds for a test; a person waits
VERIFY: Final = {
    9: "tls_not_yet",
    10: "tls_expired",
    18: "tls_unknown_issuer",
    19: "tls_unknown_issuer",
    20: "tls_unknown_issuer",
    21: "tls_unknown_issuer",
    62: "tls_other_name",
    64: "tls_other_name",
}
"""OpenSSL's numbers of what is wrong with a certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One server, asked just now. `seconds` until the handshake was done; `expires` of its certificate."""

    uri: str
    ok: bool
    said: Said
    seconds: float
    expires: datetime | None = None
    cause: str = ""

    @property
    def milliseconds(self) -> int:
        return round(self.seconds * 1000)

    @property
    def days(self) -> int:
        """For how many whole days the certificate is still valid."""
        return (self.expires - timezone.now()).days if self.expires else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole test. `people` and `groups` are None where it did not come to counting; at most COUNTED."""

    servers: list[Server]
    said: Said
    ok: bool = False
    cause: str = ""
    people: int | None = None
    groups: int | None = None
    sample: list[dict[str, Any]] = field(default_factory=list)


def servers(config: Config, seconds: float | None = None) -> list[Server]:
    """Shake hands with every server; no password is sent."""
    return [_server(uri, config, seconds) for uri in config.uris]


def check(config: Config) -> Report:
    """Try everything that sign-in needs, in its order, and stop at what does not work."""
    asked = servers(config)
    if not any(server.ok for server in asked):
        return Report(servers=asked, said=say("directory.no_server"))
    reader = Reader(config, Patience(PATIENCE))
    try:
        with reader.service() as link:
            people = list(islice(reader.everybody(link), COUNTED))
            groups = sum(1 for _ in islice(reader.all_groups(link), COUNTED))
            sample = [reader.person(*entry) for entry in people[:SAMPLE]]
    except DirectoryUnavailable as error:
        return Report(servers=asked, said=_trouble(error), cause=error.cause)
    shown = [{"login": one.login, "name": one.name, "mail": one.mail, "enabled": one.enabled} for one in sample]
    said = say("directory.works" if people else "directory.nobody")
    return Report(servers=asked, said=said, ok=bool(people), people=len(people), groups=groups, sample=shown)


def _server(uri: str, config: Config, seconds: float | None) -> Server:
    began = time.monotonic()
    try:
        certificate = preflight(uri, config, seconds)
    except (OSError, ValueError) as error:
        took = time.monotonic() - began
        return Server(uri=uri, ok=False, said=_words(error), seconds=took, cause=explain(error)[:300])
    took = time.monotonic() - began
    return Server(uri=uri, ok=True, said=say("directory.server_ok"), seconds=took, expires=_expiry(certificate))


def _expiry(certificate: dict[str, Any]) -> datetime | None:
    if not (text := certificate.get("notAfter")):
        return None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)


def _words(error: Exception) -> Said:
    """Return what went wrong in a handshake, as a text of this portal."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return say(f"directory.{VERIFY.get(error.verify_code, 'tls_refused')}")
    if isinstance(error, TimeoutError):
        return say("directory.silent")
    if isinstance(error, socket.gaierror):
        return say("directory.unknown_host")
    if isinstance(error, ssl.SSLError):
        return say("directory.no_tls")
    if isinstance(error, ConnectionRefusedError):
        return say("directory.refused" if error.errno else "directory.not_allowed")
    return say("directory.unreachable")


def _trouble(error: DirectoryUnavailable) -> Said:
    """Return which part of the settings a failed search speaks against."""
    cause = error.cause
    if "own account is refused" in cause:
        return say("directory.bind_refused")
    if ldap.NO_SUCH_OBJECT.__name__ in cause:
        return say("directory.no_base")
    if ldap.FILTER_ERROR.__name__ in cause:
        return say("directory.bad_filter")
    return say("directory.search_failed")
