"""What `manage.py check --deploy` looks at in a company's set-up, besides Django's own: in words, with what to do."""

import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own name
from django.utils import timezone

from pks_portal import keyring, paths

FEWEST_CHARACTERS: Final = 50
SOON: Final = timedelta(days=30)
OTHERS: Final = stat.S_IRWXO
Found = Iterator[CheckMessage]


def address() -> Found:
    if not settings.SECURE:
        yield Error(
            f"PKS_PUBLIC_URL is {settings.PUBLIC_URL}: passwords and sessions would go over the network in plain.",
            hint="Set it to the https:// address that people use, and put TLS in front (deploy/haproxy).",
            id="pks.E001",
        )


def key_ring() -> Found:
    try:
        keyring.ring()
    except (keyring.KeyRingError, OSError) as error:
        yield Error(str(error), hint="Run: manage.py key_ring create, or bring the ring back.", id="pks.E002")
        return
    yield from _private(keyring.file(), "pks.E003")


def secret_key() -> Found:
    if len(settings.SECRET_KEY) < FEWEST_CHARACTERS:
        yield Error(
            f"SECRET_KEY has {len(settings.SECRET_KEY)} characters; it signs sessions and needs {FEWEST_CHARACTERS}.",
            hint="Put the output of `openssl rand -base64 48` into the file that SECRET_KEY_FILE names.",
            id="pks.E004",
        )


def issuer() -> Found:
    if settings.ISSUER_IS_ELSEWHERE:
        return
    hint = "Run: manage.py issuer_listener, and start the listener anew (pks-portal-issuer.service)."
    file = paths.data() / "issuer" / "server.pem"
    try:
        end = x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        yield Warning(f"The issuer's certificate cannot be read: {error}", hint=hint, id="pks.W005")
        return
    if (left := end - timezone.now()) < SOON:
        yield Warning(f"The issuer's certificate {file} is good for {left.days} days only.", hint=hint, id="pks.W006")


def redis() -> Found:
    parts = urlsplit(settings.REDIS_URL)
    if parts.scheme.startswith("redis") and not parts.password:
        yield Error(
            "REDIS_URL has no password: whoever reaches Redis gives the workers orders.",
            hint="Set requirepass in Redis and write redis://:PASSWORD@HOST:PORT/0 into the file of REDIS_URL_FILE.",
            id="pks.E007",
        )


def directory() -> Found:
    wanted: dict[str, Any] = settings.DIRECTORY
    plain = [uri for uri in wanted["uris"] if not uri.startswith("ldaps://")]
    if plain and not wanted["start_tls"]:
        yield Error(
            f"{plain[0]} would be asked for passwords in plain.",
            hint="Use ldaps:// in PKS_DIRECTORY_URI, or set PKS_DIRECTORY_START_TLS=true.",
            id="pks.E008",
        )
    if wanted["uris"] and not wanted["ca_file"]:
        yield Warning(
            "No authority is named for the directory, so that any that this machine trusts may vouch for it.",
            hint="Put the authority that signed its certificate into a PEM file and name that in PKS_DIRECTORY_CA.",
            id="pks.W009",
        )
    yield from _readable(wanted["ca_file"])


CHECKS: Final[tuple[Callable[[], Found], ...]] = (address, key_ring, secret_key, issuer, redis, directory)


@register(Tags.security, deploy=True)
def company(**_unused: Any) -> list[CheckMessage]:
    """Return what is wrong, or will be soon, with how a portal is set up. No text holds a secret."""
    return [message for check in CHECKS for message in check()]


def _readable(file: str) -> Found:
    try:
        if file:
            x509.load_pem_x509_certificates(Path(file).read_bytes())
    except (OSError, ValueError) as error:
        hint = "Name a PEM file that the portal's user may read."
        yield Error(f"PKS_DIRECTORY_CA ({file}) is no certificate: {error}", hint=hint, id="pks.E010")


def _private(file: Path, code: str) -> Found:
    if file.exists() and file.stat().st_mode & OTHERS:
        yield Error(f"{file} can be read by everybody on this machine.", hint=f"Run: chmod 600 {file}", id=code)
