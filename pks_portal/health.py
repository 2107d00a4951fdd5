"""/healthz: pages and API work. /readyz: so do the database, Redis and the directory behind them."""

from typing import Any

from django.core.cache import cache
from django.db import connection
from django.http import HttpRequest, JsonResponse


def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 once this process serves and its database answers."""
    return _answer({"database": _database})


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the parts behind the portal answer too."""
    return _answer({"database": _database, "redis": _redis})


def _answer(checks: dict[str, Any]) -> JsonResponse:
    found = {}
    for name, check in checks.items():
        try:
            check()
            found[name] = "ok"
        except Exception as exc:  # noqa: BLE001 - whatever a part raises, it is not well
            found[name] = type(exc).__name__
    well = all(value == "ok" for value in found.values())
    return JsonResponse({"ok": well, "parts": found}, status=200 if well else 503)


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> None:
    cache.get("health")
