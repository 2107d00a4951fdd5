"""Texts of the issuer that are stored as keys."""

from django.utils.translation import gettext_noop

from pks_portal import messages
from tenants import audit

messages.add(
    {
        "error.issuer_no_key": gettext_noop("The portal has no key to sign with, so it cannot say who you are."),
        "error.issuer_no_key.next": gettext_noop(
            "Ask the platform's administrators to run: manage.py issuer_keys create"
        ),
        "deed.issuer.rotate": gettext_noop("made a new signing key for the clusters' sign-in"),
    }
)
audit.declare("issuer.rotate")
