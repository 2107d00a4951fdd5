"""How often the API may be asked: by one token or person, reading and changing apart, and from one address.

Counted in Redis by the minute. While Redis is away nothing is counted and nothing refused: whoever has signed in goes
on working, and guessing passwords, which must be counted, is refused altogether (tenants/http.py).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from pks_portal.errors import PROBLEM, PortalError
from tenants import audit
from tenants.models import ApiToken

PERIOD: Final = 60  # seconds
PAUSE: Final = 5.0
"""Seconds for which Redis is not asked after it has failed: a Redis that hangs must not slow down every request."""
PATHS: Final = "/api/v1/"
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class TooMany(PortalError):
    """More requests than allowed; they may be sent again in the next minute."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    general = "next.unavailable"


@dataclass(frozen=True, slots=True)
class Standing:
    """How many requests are allowed in this minute, how many are left, and in how many seconds the next begins."""

    limit: int
    left: int
    seconds: int


class _Away:
    """When Redis failed last."""

    until = 0.0


def count(who: str, limit: int) -> Standing | None:
    """Count one request; None when nothing is limited, or cannot be counted. `left` is -1 for one too many."""
    if not limit or time.monotonic() < _Away.until:
        return None
    minute, gone = divmod(int(time.time()), PERIOD)
    key = f"limit:{who}:{minute}"
    try:
        cache.add(key, 0, timeout=2 * PERIOD)
        used = cache.incr(key)
    except (RedisError, ValueError):  # ValueError: Redis was emptied in between
        _Away.until = time.monotonic() + PAUSE
        return None
    return Standing(limit, max(-1, limit - used), PERIOD - gone)


class Limits(BaseThrottle):
    """What one token, or one person who has signed in, may ask in a minute (REST framework asks it)."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request. Raises TooMany."""
        reading = request.method in READING
        token = request.auth
        who = f"token-{token.pk}" if isinstance(token, ApiToken) else f"user-{request.user.pk}"
        limit = settings.API_READS_PER_MINUTE if reading else settings.API_CHANGES_PER_MINUTE
        standing = count(f"{who}-{'read' if reading else 'change'}", limit)
        request._request.standing = standing  # type: ignore[attr-defined]  # noqa: SLF001
        if standing is not None and standing.left < 0:
            raise TooMany("error.rate_limited", limit=limit, seconds=standing.seconds)
        return True


class LimitsMiddleware:
    """Limit what comes from one address, also without a token that is good, and tell every program where it stands."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PATHS):
            return self.get_response(request)
        limit = settings.API_PER_ADDRESS_PER_MINUTE
        standing = count(f"address-{audit.origin.get().address}", limit)
        if standing is not None and standing.left < 0:
            error = TooMany("error.rate_limited_address", limit=limit, seconds=standing.seconds)
            return _told(JsonResponse(error.as_problem(), status=error.status, content_type=PROBLEM), standing)
        response = self.get_response(request)
        return _told(response, getattr(request, "standing", None))


def _told(response: HttpResponse, standing: Standing | None) -> HttpResponse:
    if standing is not None:
        response.headers["RateLimit-Limit"] = str(standing.limit)
        response.headers["RateLimit-Remaining"] = str(max(0, standing.left))
        response.headers["RateLimit-Reset"] = str(standing.seconds)
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            response.headers["Retry-After"] = str(standing.seconds)
    return response
