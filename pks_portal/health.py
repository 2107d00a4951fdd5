"""Is it well? /healthz: pages and API work. /readyz: so do the database and Redis; and the directory is asked."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from threading import Lock
from typing import Final

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from tenants.directory import sources
from tenants.directory.config import Config
from tenants.directory.transport import preflight
from tenants.models import AuditHead

DIRECTORY_SECONDS: Final = 1.5
"""For all servers of all directories together."""
VERIFIED_WITHIN: Final = timedelta(days=3)
KEPT_SECONDS: Final = 5.0
"""How long an answer about the directory is kept, so that nobody can make us ask it as often as they like."""

_one_asks = Lock()
_directory_seen: dict[tuple[str, ...], tuple[float, str]] = {}


def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 once this process serves and its database answers."""
    return _answer(_checked({"database": _database}))


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database and Redis answer, 503 when not; both with a word on each part.

    Without the directory nobody new can sign in, but who has signed in works on: that is said, and is no 503, which
    would take every page away.
    """
    return _answer(_checked({"database": _database, "redis": _redis}), {**_directory(), **_audit()})


def _answer(needed: Mapping[str, str], more: Mapping[str, str] | None = None) -> JsonResponse:
    well = all(word == "ok" for word in needed.values())
    return JsonResponse({"ok": well, "parts": {**needed, **(more or {})}}, status=200 if well else 503)


def _checked(checks: Mapping[str, Callable[[], None]]) -> dict[str, str]:
    return {name: _word(check) for name, check in checks.items()}


def _word(check: Callable[[], object]) -> str:
    """Return "ok", or the name of what went wrong: no more, since strangers may read it."""
    try:
        check()
    except Exception as exc:  # noqa: BLE001 - whatever a part raises, it is not well
        return type(exc).__name__
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> None:
    cache.get("health")


def _audit() -> dict[str, str]:
    """Return that the audit trail was found broken, or was not verified for days; nothing where all is well."""
    try:
        last = AuditHead.objects.first()
    except DatabaseError:
        return {}  # which is said already
    if last is None or last.verified_at is None:
        return {}  # the first walk is a day after the first start
    if last.verified_fault:
        return {"audit": "broken"}
    return {"audit": "not verified lately"} if timezone.now() - last.verified_at > VERIFIED_WITHIN else {}


def _directory() -> dict[str, str]:
    """Return whether a server of each directory answers; nothing where only local accounts are used."""
    try:
        configs = sources.enabled()
    except DatabaseError:
        return {}  # which is said already
    with _one_asks:
        words = [_word_on(config, DIRECTORY_SECONDS / len(configs)) for config in configs]
    return {"directory": next((word for word in words if word != "ok"), "ok")} if words else {}


def _word_on(config: Config, seconds: float) -> str:
    """Return "ok" if one of a directory's servers answers within these seconds, as seen not long ago."""
    until, word = _directory_seen.get(config.uris, (0.0, ""))
    if time.monotonic() >= until:
        share = seconds / len(config.uris)
        words = [_word(lambda uri=uri: preflight(uri, config, share)) for uri in config.uris]  # type: ignore[misc]
        word = "ok" if "ok" in words else words[0]
        _directory_seen[config.uris] = (time.monotonic() + KEPT_SECONDS, word)
    return word
