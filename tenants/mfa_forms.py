"""allauth's forms for codes, with what it leaves open: a seed in clear in the session, a code that is good twice."""

from typing import Any, Final

from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, generate_totp_secret
from django import forms
from django.conf import settings
from django.core.cache import cache

from tenants.mfa import MFAAdapter

GOOD_FOR: Final = 30 * (2 * settings.MFA_TOTP_TOLERANCE + 1)
"""Seconds for which a code is accepted, clocks that differ considered; allauth forgets after 30 that it was used."""


class AddAppForm(ActivateTOTPForm):  # type: ignore[misc]  # allauth has no types
    """Keeps the new app's seed in the session sealed, as it will be kept afterwards."""

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        self.user = user
        forms.Form.__init__(self, *args, **kwargs)
        adapter, session = MFAAdapter(), context.request.session
        held = session.get(SECRET_SESSION_KEY) if self.is_bound else None
        self.secret = adapter.decrypt(held) if held else generate_totp_secret()
        session[SECRET_SESSION_KEY] = held or adapter.encrypt(self.secret)

    def clean_code(self) -> str:
        """Check the code, and use it up: signing in wants the next one."""
        code: str = super().clean_code()
        _use_up(self.user.pk, code)
        return code


class _OnceForm(forms.Form):
    """Refuses a code of the app that was used before, for as long as it would be accepted."""

    def clean_code(self) -> str:
        """Return the code. Raises ValidationError."""
        code: str = super().clean_code()  # type: ignore[misc]
        mine = self.authenticator  # type: ignore[attr-defined]
        if mine.type == Authenticator.Type.TOTP and not _use_up(mine.user_id, code):
            raise MFAAdapter().validation_error("incorrect_code")
        return code


class CodeForm(_OnceForm, AuthenticateForm):  # type: ignore[misc]
    """The second step of signing in."""


class CodeAgainForm(_OnceForm, ReauthenticateForm):  # type: ignore[misc]
    """Proving again who one is."""


def _use_up(user_id: int, code: str) -> bool:
    """Say whether the code was unused until now."""
    return bool(cache.add(f"pks.totp.{user_id}.{code.replace(' ', '')}", 1, timeout=GOOD_FOR))
