"""What the web server and the worker look at before they start: better no portal than one that is open."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from pks_portal import keyring


def refuse_if_incomplete() -> None:
    """Raise ImproperlyConfigured where a secret is missing or unfit, or where attempts would be counted apart."""
    try:
        keyring.ring()
    except keyring.KeyRingError as error:
        raise ImproperlyConfigured(str(error)) from None
    if settings.SECURE and not settings.REDIS_URL:
        raise ImproperlyConfigured("Set REDIS_URL (or REDIS_URL_FILE): failed sign-ins are counted there.")
