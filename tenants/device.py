"""Signing a program in by a browser (RFC 8628): it shows a short code, its person types that in here and confirms.

What waits lies in the cache under keyed hashes of its codes, for ten minutes: nobody who reads the cache can use it.
Deleting the entry is what uses a code up, so two who come at once cannot both have it.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from tenants import audit, factors
from tenants.models import User

LIFETIME: Final = timedelta(minutes=10)
INTERVAL: Final = 5
"""Seconds that a program waits between two questions."""
LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so no words; no digits that look like letters (RFC 8628, 6.1)."""
LENGTH: Final = 8


@dataclass(frozen=True, slots=True)
class Asked:
    """A program that waits: which one, from which address and since when; `answer` is who let it in, 0 for a no."""

    client: str
    address: str
    at: datetime
    answer: int | None = None

    @property
    def seconds_left(self) -> int:
        """How long it still waits."""
        return max(0, int((self.at + LIFETIME - timezone.now()).total_seconds()))


@dataclass(frozen=True, slots=True)
class Codes:
    """What the program gets, once: a secret to ask with, and what its person types."""

    device: str
    user: str


class NotYet(Exception):
    """Why there is no sign-in (now); `word` is RFC 8628's."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


def ask(client: str) -> Codes:
    """Have a program wait for its person."""
    codes = Codes(secrets.token_urlsafe(32), "".join(secrets.choice(LETTERS) for _ in range(LENGTH)))
    seconds = int(LIFETIME.total_seconds())
    asked = Asked(client, audit.origin.get().address or "", timezone.now())
    cache.set(_device(codes.device), asked, seconds)
    cache.set(_user(codes.user), _device(codes.device), seconds)
    return replace(codes, user=f"{codes.user[:4]}-{codes.user[4:]}")


def find(code: str) -> Asked | None:
    """Return the program that waits under what a person typed; None when there is none."""
    name: str | None = cache.get(_user(code))
    asked: Asked | None = cache.get(name) if name else None
    return asked


def confirm(user: User, code: str) -> Asked | None:
    """Let the program in as this person; None when nobody waits under this code (any more)."""
    return _decide(user, code, user.pk, "device.confirm")


def refuse(user: User, code: str) -> Asked | None:
    """Send the program away; None when nobody waits under this code (any more)."""
    return _decide(user, code, 0, "device.refuse")


def redeem(code: str, client: str) -> User:
    """Return who let the program in, once. Raises NotYet."""
    name = _device(code)
    asked: Asked | None = cache.get(name)
    if asked is None or asked.client != client:
        raise NotYet("expired_token")
    if not cache.add(f"{name}:seen", 1, INTERVAL - 1):  # a second less: clocks and networks are not exact
        raise NotYet("slow_down")
    if asked.answer is None:
        raise NotYet("authorization_pending")
    if not cache.delete(name):
        raise NotYet("expired_token")
    user = User.objects.filter(pk=asked.answer, is_active=True, kind=User.Kind.PERSON).first()
    if user is None or factors.lacks_second_factor(user):
        raise NotYet("access_denied")
    return user


def _decide(user: User, code: str, answer: int, deed: str) -> Asked | None:
    name: str | None = cache.get(_user(code))
    asked: Asked | None = cache.get(name) if name else None
    if name is None or asked is None or not asked.seconds_left or not cache.delete(_user(code)):
        return None
    with transaction.atomic():
        audit.record(user, deed, user, client=asked.client, asked_from=asked.address)
    cache.set(name, replace(asked, answer=answer), asked.seconds_left)
    return asked


def _device(code: str) -> str:
    return "device:" + salted_hmac("tenants.device", code, algorithm="sha256").hexdigest()


def _user(code: str) -> str:
    """Return the name of a typed code, whatever its case, its hyphen and its spaces."""
    plain = "".join(char for char in code.upper() if char in LETTERS)
    return "device.user:" + salted_hmac("tenants.device.user", plain, algorithm="sha256").hexdigest()
