"""Ending sessions in the browser: one, or all but one."""

from allauth.usersessions.models import UserSession

from tenants import sockets
from tenants.models import User


def end_others(user: User, *, keep: str | None) -> int:
    """End the person's sessions but the one with the key `keep`; return how many ended."""
    rows = [row for row in UserSession.objects.filter(user=user) if row.session_key != keep]
    for row in rows:
        end(row)
    return len(rows)


def end(row: UserSession) -> None:
    """End a session; its sockets close at once."""
    row.end()
    sockets.look_again(row.user_id)
