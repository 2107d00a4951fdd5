"""Sign-in of directory people, as Django's authentication backend."""

import time
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest  # noqa: TID251  # the backend's interface

from tenants import signin
from tenants.directory.client import Directory, Person, Rejected, well_formed
from tenants.directory.config import Config
from tenants.directory.transport import DirectoryUnavailable
from tenants.models import User


@dataclass(slots=True)
class Attempt:
    """One try to sign in, carried on the request from the rate limit (which needs to know who it is) to the answer.

    `local`: the name is that of a local account, of which the directory never hears. `reason` and `outage` say why the
    attempt failed.
    """

    began: float = field(default_factory=time.monotonic)
    looked_up: bool = False
    local: bool = False
    person: Person | None = None
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
        elif not self.local and (directory := configured()):
            try:
                self.person = directory.find(login)
            except DirectoryUnavailable as error:
                self.outage = error


def configured() -> Directory | None:
    """Return the configured directory, None where there are only local accounts."""
    config = Config.from_settings()
    return Directory(config) if config else None


class DirectoryBackend(BaseBackend):
    """Asks the directory; an account here exists from the first sign-in on."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        """Return the account, or None with the cause on the request's Attempt."""
        directory = configured()
        attempt = Attempt.of(request)
        if directory is None or not username or not password:
            return None
        attempt.look_up(username, password)
        if attempt.local or attempt.outage or attempt.reason:
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
