"""Who is at the other end of a websocket, asked afresh each time: sessions end, people leave, roles go."""

from collections.abc import Collection
from typing import Any, Final

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone, translation

from pks_portal import channel
from tenants import factors, lifetimes
from tenants.models import User

SIGN_IN: Final = 4401
"""The code with which a socket is closed whose session has ended."""


def signed_in(session_key: str | None) -> User | None:
    """Return the person of a session if it still lives and the account is active (reads the database)."""
    return _person(SessionStore(session_key))


def users_of(keys: Collection[str]) -> dict[str, User]:
    """Return the person of each session that still lives and whose account is active (few queries for many)."""
    people: dict[tuple[Any, ...], User | None] = {}
    found = {}
    for row in Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()):
        claims = row.get_decoded()
        if not lifetimes.alive(claims):
            continue
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
    if not isinstance(user, User) or not user.is_active or not lifetimes.alive(session):
        return None
    return None if factors.lacks_second_factor(user) else user


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


class PersonalConsumer(AsyncWebsocketConsumer):
    """A socket that closes at once when its session ends: somebody says "look", and it looks, past every cache."""

    async def join_person(self) -> None:
        """Listen for that; call it before the first look at rights, so that none falls between the two."""
        self.person_key = Viewer(self.scope).session_key
        self.person_group = group_of(getattr(self.scope["user"], "pk", None) or 0)
        await self.channel_layer.group_add(self.person_group, self.channel_name)

    async def leave_person(self) -> None:
        """Listen no more."""
        await self.channel_layer.group_discard(self.person_group, self.channel_name)

    async def person_notice(self, message: dict[str, Any]) -> None:
        """There is a notice for the person; the feed passes it on, other sockets do not care."""

    async def person_look(self, _message: dict[str, Any]) -> None:
        """Close if the session has ended."""
        if await database_sync_to_async(signed_in)(self.person_key) is None:
            await self.close(code=SIGN_IN)


def group_of(user_id: int) -> str:
    """Return the channel group of a person's sockets."""
    return f"person.{user_id}"


def look_again(user_id: int) -> None:
    """Have each socket of a person look, once the transaction is committed, whether its session still lives."""
    channel.send_soon(group_of(user_id), {"type": "person.look"})
