"""Sign-in of directory people, as Django's authentication backend."""

import time
from dataclasses import dataclass, field
from typing import Any, Final

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest  # noqa: TID251  # the backend's interface

from tenants import signin
from tenants.directory import sources
from tenants.directory.client import Directory, Rejected, well_formed
from tenants.directory.searching import Person
from tenants.directory.transport import DirectoryUnavailable, Patience
from tenants.models import User

SILENCE: Final = 1.8
"""Seconds that all silent servers of all directories may cost one attempt."""


@dataclass(slots=True)
class Attempt:
    """One try to sign in, carried on the request from the rate limit (which needs to know who it is) to the answer.

    `local`: the name is that of a local account, of which the directory never hears. `reason` and `outage` say why the
    attempt failed. `directory`: whom the name, or in doubt the first that was asked, belongs to.
    """

    began: float = field(default_factory=time.monotonic)
    looked_up: bool = False
    local: bool = False
    person: Person | None = None
    directory: Directory | None = None
    reason: str = ""
    outage: DirectoryUnavailable | None = None

    @classmethod
    def of(cls, request: HttpRequest | None) -> "Attempt":
        """Return the request's attempt, a new one where there is none yet."""
        attempt = getattr(request, "sign_in_attempt", None)
        return attempt if isinstance(attempt, cls) else cls.begin(request)

    @classmethod
    def begin(cls, request: HttpRequest | None) -> "Attempt":
        """Put a new attempt on the request."""
        attempt = cls()
        if request is not None:
            request.sign_in_attempt = attempt  # type: ignore[attr-defined]
        return attempt

    def look_up(self, login: str, password: str) -> None:
        """Find out, once, whom the directory knows by this name."""
        if self.looked_up:
            return
        self.looked_up = True
        self.local = User.objects.filter(username__iexact=login.strip(), directory_id__isnull=True).exists()
        if not well_formed(login, password):
            self.reason = "malformed"
        elif not self.local:
            self._ask(sources.asked_for(login))

    def _ask(self, asked: list[sources.Asked]) -> None:
        """Ask one directory after the other until one knows the name.

        Where an earlier one was silent it might have known the name too: then only somebody whose account bears this
        very name counts, or a wrong password would be held against a stranger.
        """
        patience = Patience(SILENCE)
        for number, one in enumerate(asked):
            share = Patience(patience.left / (len(asked) - number))
            before, directory = share.left, Directory(one.config, share)
            self.directory = self.directory or directory
            try:
                person = directory.find(one.name)
            except DirectoryUnavailable as error:
                self.outage = self.outage or error
            else:
                if person and (self.outage is None or _is_known(person)):
                    self.person, self.directory, self.outage = person, directory, None
                    return
            finally:
                patience.left -= before - share.left


def _is_known(person: Person) -> bool:
    rows = User.objects.filter(directory_source=person.source, directory_id=person.id)
    return rows.filter(username__iexact=person.login).exists()


class DirectoryBackend(BaseBackend):
    """Asks the directory; an account here exists from the first sign-in on."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        """Return the account, or None with the cause on the request's Attempt."""
        attempt = Attempt.of(request)
        if not username or not password:
            return None
        attempt.look_up(username, password)
        directory = attempt.directory
        if directory is None or attempt.local or attempt.outage or attempt.reason:
            return None
        try:
            directory.check_password(attempt.person, password)
            if attempt.person:
                return signin.admit(attempt.person, directory.groups(attempt.person))
        except Rejected as error:
            attempt.reason = error.reason
        except DirectoryUnavailable as error:
            attempt.outage = error
        return None

    def get_user(self, user_id: int) -> User | None:
        """Return the account of a session, none once it is deactivated."""
        return User.objects.filter(pk=user_id, is_active=True, directory_id__isnull=False).first()
