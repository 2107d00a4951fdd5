"""Who is at the other end of a websocket, asked afresh each time: sessions end, people leave, roles go."""

from typing import Any

from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.utils import translation

from tenants.models import User


def signed_in(session_key: str | None) -> User | None:
    """Return the person of a session if it still lives and the account is active (reads the database)."""
    request = HttpRequest()
    request.session = SessionStore(session_key)
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
