"""Ending sessions: in the browser and of programs that somebody signed in (`pks`), one, or all but one."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from tenants import audit, sockets
from tenants.models import AccessToken, User


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in of a program: which one, from where it was last seen, when it began, was last used, and will end."""

    id: uuid.UUID
    client: str
    address: str | None
    began: datetime
    used: datetime | None
    ends: datetime


def sign_ins(user: User) -> list[SignIn]:
    """Return the living sign-ins of programs, the newest first (one query)."""
    found: dict[uuid.UUID, list[AccessToken]] = {}
    for row in AccessToken.objects.filter(user=user, expires_at__gt=timezone.now()).order_by("created_at"):
        found.setdefault(row.session, []).append(row)
    return [_sign_in(rows) for rows in reversed(found.values())]


def _sign_in(rows: list[AccessToken]) -> SignIn:
    """Sum up the tokens of one sign-in, the oldest first."""
    last = max(rows, key=lambda row: row.last_used_at or row.created_at)
    used = max((row.last_used_at for row in rows if row.last_used_at), default=None)
    began, ends = rows[0].created_at, max(row.expires_at for row in rows)
    return SignIn(rows[0].session, rows[0].client, last.last_address, began, used, ends)


def living(user: User) -> list[UserSession]:
    """Return the living sessions in the browser; forget those of which nothing is left (few queries for many)."""
    rows = UserSession.objects.filter(user=user)
    rows.exclude(session_key__in=Session.objects.values("session_key")).delete()
    found = list(rows)
    alive = sockets.users_of({row.session_key for row in found})
    return [row for row in found if row.session_key in alive]


@transaction.atomic
def end_sign_in(user: User, session: uuid.UUID) -> bool:
    """End one of the person's own sign-ins of programs, at once; say whether it was there."""
    rows = AccessToken.objects.filter(user=user, session=session)
    client = rows.values_list("client", flat=True).first()
    if client is None:
        return False
    rows.delete()
    audit.record(user, "session.end", user, client=client, by="profile")
    return True


@transaction.atomic
def end_others(user: User, *, keep: str | None) -> int:
    """End the person's sessions but the one with the key `keep`, programs' too; return how many ended."""
    rows = [row for row in UserSession.objects.filter(user=user) if row.session_key != keep]
    for row in rows:
        end(row)
    programs = len(sign_ins(user))
    AccessToken.objects.filter(user=user).delete()
    return len(rows) + programs


def end(row: UserSession) -> None:
    """End a session; its sockets close at once."""
    row.end()
    sockets.look_again(row.user_id)


def purge() -> int:
    """Forget sessions and sign-ins that have ended; return how many rows that was."""
    now = timezone.now()
    gone, _rows = Session.objects.filter(expire_date__lt=now).delete()
    UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    ended, _rows = AccessToken.objects.filter(expires_at__lt=now).delete()
    return gone + ended
