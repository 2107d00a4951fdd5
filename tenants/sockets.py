"""Who is at the other end of a websocket, asked afresh each time: sessions end, people leave, roles go."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone, translation

from tenants.models import User


def signed_in(session_key: str | None) -> User | None:
    """Return the person of a session if it still lives and the account is active (reads the database)."""
    return _person(SessionStore(session_key))


def users_of(keys: Collection[str]) -> dict[str, User]:
    """Return the person of each session that still lives and whose account is active (few queries for many)."""
    people: dict[tuple[Any, ...], User | None] = {}
    found = {}
    for row in Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()):
        claims = row.get_decoded()
        who = tuple(claims.get(name) for name in (SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY))
        if who not in people:
            store = SessionStore()
            store.update(claims)
            people[who] = _person(store)
        if (user := people[who]) is not None:
            found[row.session_key] = user
    return found


def _person(session: SessionStore) -> User | None:
    """Return whom a session names, as far as Django accepts it."""
    request = HttpRequest()
    request.session = session
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None


class Viewer:
    """The person behind a socket and the language of the page that opened it."""

    def __init__(self, scope: Any) -> None:
        self.session_key: str | None = scope["session"].session_key
        request = HttpRequest()
        request.COOKIES = scope["cookies"]
        request.META["HTTP_ACCEPT_LANGUAGE"] = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1")
        self.language = translation.get_language_from_request(request)

    def user(self) -> User | None:
        """Return the person, asked afresh; None when the session has ended."""
        return signed_in(self.session_key)
