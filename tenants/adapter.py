"""How allauth signs people in here: limits per person, outages told apart, everything on record, no sign-up."""

import logging
import math
import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from tenants import audit, mfa, notices, stepup
from tenants.directory.backend import Attempt
from tenants.models import PlatformGrant, PlatformRole, User

log = logging.getLogger(__name__)

LIMIT = {"app": "allauth.account", "action": "login_failed"}
REFUSAL_TAKES = 0.3  # seconds at least; directories are quicker where there is no password to compare
CHANGE_NEEDED = {"password_expired", "must_change"}
"""Reasons that directories give after the right password only, so that the person may be told."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Used by the sign-in page, the step-up page and the token endpoint alike; one object serves one request."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing beside what the page itself shows."""

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt against the person whom the directory knows by this name, whatever alias was typed.

        Raises ValidationError when there were too many, or the input is such that nobody is asked.
        """
        attempt, login = Attempt.begin(request), _login(credentials)
        attempt.look_up(login, credentials.get("password") or "")
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            attempt.reason = "too_many_attempts"
        if attempt.reason:
            raise self._refusal(request, credentials)

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User:
        """Return the account of these credentials: "username", "password".

        Raises ValidationError, fit to be shown, with the code "sign_in_failed", "too_many_attempts" (parameter
        `seconds`: when to try again), "password_change_needed" or "directory_unavailable".
        """
        user = super().authenticate(request, **credentials)
        if isinstance(user, User) and user.is_active:
            self._forget_failures(request, credentials)
            return user
        if user is not None:
            Attempt.of(request).reason = "inactive"
        raise self._refusal(request, credentials)

    def login(self, request: HttpRequest, user: User) -> None:
        """Start the session, and record it."""
        with transaction.atomic():
            super().login(request, user)
            audit.record(user, "session.start", user)
            self._tell_of_break_glass(request, user)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Let allauth's own pages ask when ours do."""
        return not stepup.is_fresh(context.request)

    def send_notification_mail(self, template_prefix: str, user: User, *_args: Any, **_kwargs: Any) -> None:
        """Put on record, and among the person's notices, what allauth would send mail about."""
        mfa.changed(template_prefix, user)

    def send_password_reset_mail(self, *_args: Any, **_kwargs: Any) -> None:
        """Send none: directory people's passwords are the directory's, a local administrator's is set by command."""

    def _tell_of_break_glass(self, request: HttpRequest, user: User) -> None:
        """Tell all platform administrators when one signs in by a password that is kept here."""
        admins = PlatformGrant.objects.filter(role=PlatformRole.PLATFORM_ADMIN)
        if user.directory_id or not user.has_usable_password() or not admins.filter(user=user).exists():
            return
        audit.record(user, "session.break_glass", user)
        address = self.get_client_ip(request)
        people = User.objects.filter(pk__in=admins.values("user"), is_active=True).exclude(pk=user.pk)
        notices.tell("account.break_glass", to=people, link="/profile", name=user.username, address=address)

    def logout(self, request: HttpRequest) -> None:
        """End the session, and record it."""
        with transaction.atomic():
            if isinstance(request.user, User):
                audit.record(request.user, "session.end", request.user)
            super().logout(request)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        person = Attempt.of(request).person
        return f"id:{person.source}:{person.id}" if person else f"name:{_login(credentials).lower()}"

    def _refusal(self, request: HttpRequest, credentials: dict[str, Any]) -> ValidationError:
        """Record why, and return what the person is told, after a time that does not tell who exists."""
        attempt, login = Attempt.of(request), _login(credentials)
        time.sleep(max(0, attempt.began + REFUSAL_TAKES - time.monotonic()))
        if attempt.outage:
            self._rollback_login_failed_rl_usage()
            log.warning("Sign-in of %r is not possible: %s", login[:64], attempt.outage.cause)
            audit.record(None, "session.unavailable", None, login=login[:64], cause=attempt.outage.cause[:500])
            return ValidationError(attempt.outage.detail, code="directory_unavailable")
        reason = attempt.reason or "bad_credentials"
        log.warning("Sign-in of %r refused: %s", login[:64], reason)
        audit.record(None, "session.refused", None, login=login[:64], reason=reason)
        if reason == "too_many_attempts":
            return _too_many(self._waiting_time(request, credentials))
        if reason in CHANGE_NEEDED:
            text = _("Your password has to be changed before you can sign in. Change it where you change it at work.")
            return ValidationError(text, code="password_change_needed")
        if not (left := self._attempts_left(request, credentials)):  # wrong, and the last for now
            text = " ".join(_too_many(self._waiting_time(request, credentials)).messages)
            return ValidationError(text, code="sign_in_failed")
        return _failed(left)

    def _histories(self, request: HttpRequest, credentials: dict[str, Any]) -> list[tuple[ratelimit.Rate, list[float]]]:
        """Return each limit on failed sign-ins with the times, newest first, that count against it."""
        key = self._get_login_attempts_cache_key(request, **credentials)
        rates = ratelimit.get_rates(**LIMIT)
        names = [ratelimit.get_cache_key(request, **LIMIT, rate=rate, key=key) for rate in rates]
        now = time.time()
        return [
            (rate, [at for at in cache.get(name, []) if at > now - rate.duration])
            for rate, name in zip(rates, names, strict=True)
        ]

    def _forget_failures(self, request: HttpRequest, credentials: dict[str, Any]) -> None:
        """Give the person all attempts again; the address's stay counted, or any account would reset them."""
        key = self._get_login_attempts_cache_key(request, **credentials)
        rates = [rate for rate in ratelimit.get_rates(**LIMIT) if rate.per == "key"]
        cache.delete_many([ratelimit.get_cache_key(request, **LIMIT, rate=rate, key=key) for rate in rates])

    def _attempts_left(self, request: HttpRequest, credentials: dict[str, Any]) -> int:
        histories = self._histories(request, credentials)
        return min((max(0, int(rate.amount) - len(times)) for rate, times in histories), default=1)

    def _waiting_time(self, request: HttpRequest, credentials: dict[str, Any]) -> int:
        """Return after how many seconds every limit lets one more attempt through."""
        full = [(rate, times) for rate, times in self._histories(request, credentials) if len(times) >= rate.amount]
        now = time.time()
        waits: list[int] = [math.ceil(times[rate.amount - 1] + rate.duration - now) for rate, times in full]
        return max([1, *waits])


def _login(credentials: dict[str, Any]) -> str:
    return str(credentials.get("username") or "").strip()


def _too_many(seconds: int) -> ValidationError:
    minutes = -(-seconds // 60)
    text = ngettext(
        "Too many failed attempts. Try again in %(minutes)s minute.",
        "Too many failed attempts. Try again in %(minutes)s minutes.",
        minutes,
    )
    return ValidationError(text, code="too_many_attempts", params={"minutes": minutes, "seconds": seconds})


def _failed(left: int) -> ValidationError:
    text = ngettext(
        "Sign in failed. Check the user name and password; %(left)s attempt left.",
        "Sign in failed. Check the user name and password; %(left)s attempts left.",
        left,
    )
    return ValidationError(text, code="sign_in_failed", params={"left": left})
