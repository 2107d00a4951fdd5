"""Is it well? /healthz: pages and API work. /readyz: so do the database and Redis; and the directory is asked."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from threading import Lock
from typing import Final

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse

from tenants.directory.config import Config
from tenants.directory.transport import preflight

DIRECTORY_SECONDS: Final = 1.5
"""For all servers of the directory together."""
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
    return _answer(_checked({"database": _database, "redis": _redis}), _directory())


def _answer(needed: Mapping[str, str], more: Mapping[str, str] | None = None) -> JsonResponse:
    well = all(word == "ok" for word in needed.values())
    return JsonResponse({"ok": well, "parts": {**needed, **(more or {})}}, status=200 if well else 503)


def _checked(checks: Mapping[str, Callable[[], None]]) -> dict[str, str]:
    return {name: _word(check) for name, check in checks.items()}


def _word(check: Callable[[], None]) -> str:
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


def _directory() -> dict[str, str]:
    """Return whether one of the directory's servers answers; nothing where only local accounts are used."""
    if (config := Config.from_settings()) is None:
        return {}
    with _one_asks:
        until, word = _directory_seen.get(config.uris, (0.0, ""))
        if time.monotonic() >= until:
            quick = replace(config, connect_timeout=DIRECTORY_SECONDS / len(config.uris))
            words = [_word(lambda uri=uri: preflight(uri, quick)) for uri in config.uris]  # type: ignore[misc]
            word = "ok" if "ok" in words else words[0]
            _directory_seen[config.uris] = (time.monotonic() + KEPT_SECONDS, word)
    return {"directory": word}
