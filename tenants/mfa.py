"""Second factors as allauth keeps them: their seeds sealed, their changes on record."""

from typing import Final

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pks_portal import keyring
from tenants import audit, factors, notices, sessions
from tenants.models import AccessToken, User

PLACE: Final = "mfa"
DEEDS: Final = {
    "mfa/email/totp_activated": "mfa.app_add",
    "mfa/email/totp_deactivated": "mfa.app_remove",
    "mfa/email/webauthn_added": "mfa.key_add",
    "mfa/email/webauthn_removed": "mfa.key_remove",
    "mfa/email/recovery_codes_generated": "mfa.codes_renew",
}
"""What allauth would send mail about, as deeds of the audit trail."""


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Seals seeds with the key ring, and puts on record what allauth would send mail about."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": gettext_lazy("The code is not right, or was used already."),
        "cannot_delete_authenticator": gettext_lazy(
            "Your role needs a second factor: add another one before you remove this."
        ),
        "cannot_generate_recovery_codes": gettext_lazy("Add an authenticator app or a security key first."),
    }

    def encrypt(self, text: str) -> str:
        return keyring.ring().seal(text.encode(), PLACE)

    def decrypt(self, encrypted_text: str) -> str:
        return keyring.ring().open(encrypted_text, PLACE).decode()

    def get_totp_issuer(self) -> str:
        return "PKS Portal"

    def _get_site_name(self) -> str:
        return "PKS Portal"

    def _get_user_identifier(self, user: User) -> str:
        return user.username

    def generate_authenticator_name(self, user: User, type: str) -> str:  # noqa: A002 - allauth's name
        """Return the name that a new key is offered."""
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return _("Security key") if number == 1 else _("Security key %(number)s") % {"number": number}

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Say no to the last factor of somebody who must have one."""
        others = factors.factors().filter(user_id=authenticator.user_id).exclude(pk=authenticator.pk)
        return bool(others.exists() or not factors.must_have_second_factor(authenticator.user))


@transaction.atomic
def changed(template: str, user: User) -> None:
    """Record a change that allauth would send mail about (see DEEDS), and tell the person.

    After the first factor, what began with a password alone ends: other sessions, and sign-ins at the command line.
    """
    action = DEEDS[template]
    audit.record(user, action, user)
    notices.tell(action, to=[user], link="/accounts/security/")
    if action in {"mfa.app_add", "mfa.key_add"} and factors.factors().filter(user_id=user.pk).count() == 1:
        AccessToken.objects.filter(user=user, kind__in=["access", "refresh"]).delete()
        sessions.end_others(user, keep=context.request.session.session_key)
