"""How long sessions in the browser live, and when their person did something last.

A session ends after PKS_SESSION_HOURS whatever happens in it, and after PKS_SESSION_IDLE_MINUTES in which its person
did nothing: what open pages ask for by themselves counts as nothing.
"""

import time
from collections.abc import MutableMapping
from typing import Any, Final

from django.conf import settings

BEGAN: Final = "pks_began"
SEEN: Final = "pks_seen"
NOTED_EVERY: Final = 60  # seconds


def alive(session: MutableMapping[str, Any], now: float | None = None) -> bool:
    """Say whether a session is within both limits; one that has noted nothing yet is."""
    now = time.time() if now is None else now
    began, seen = session.get(BEGAN, now), session.get(SEEN, now)
    return bool(now - began < settings.SESSION_COOKIE_AGE and now - seen < settings.SESSION_IDLE_SECONDS)


def note(session: MutableMapping[str, Any], now: float | None = None) -> bool:
    """Note, at most once a minute, that its person did something; say whether it was noted."""
    now = time.time() if now is None else now
    session.setdefault(BEGAN, now)
    if now - session.get(SEEN, 0) < NOTED_EVERY:
        return False
    session[SEEN] = now
    return True
