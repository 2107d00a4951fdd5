"""Who may go on, asked of the database now and then: a client makes a hundred requests to push one image.

A leaver's token ends with them, and pushes wait while bytes are collected, both a moment later at most.
"""

import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from channels.db import database_sync_to_async
from django.utils import timezone

from registry import holds
from registry.models import Robot
from registry.tokens.signing import Claims
from tenants.models import User

HOLDER_SECONDS: Final = 2.0
HOLD_SECONDS: Final = 0.5
"""Well below the time for which who collects waits for pushes to calm down."""
MOST: Final = 1024


class Lately:
    """What was looked up and found well within the last seconds; what was not is looked up each time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._well: dict[object, float] = {}

    async def well(self, key: object, look: Callable[[], bool]) -> bool:
        """Return True where it lately was, else what `look` says; what it raises is raised."""
        now = time.monotonic()
        if now < self._well.get(key, 0):
            return True
        self._well.pop(key, None)
        if not await database_sync_to_async(look)():
            return False
        if len(self._well) >= MOST:
            self._well.clear()
        self._well[key] = now + self._seconds
        return True


_holders, _calm = Lately(HOLDER_SECONDS), Lately(HOLD_SECONDS)


async def active(claims: Claims) -> bool:
    """Say whether whoever holds a token still is somebody."""
    return await _holders.well((claims.kind, claims.id), lambda: _active(claims))


async def refuse_held() -> None:
    """Raise Unavailable while pushes must wait."""
    await _calm.well(None, _not_held)


def _not_held() -> bool:
    holds.refuse()
    return True


def _active(claims: Claims) -> bool:
    if claims.kind == "person":
        return User.objects.filter(pk=claims.id, is_active=True).exists()
    if claims.kind == "robot":
        return Robot.objects.filter(pk=UUID(claims.id), disabled=False, expires_at__gt=timezone.now()).exists()
    return True
