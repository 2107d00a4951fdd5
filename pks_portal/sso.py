"""The outside OpenID Connect provider, as the environment describes it."""

import hashlib
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from pks_portal import env

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def configuration() -> dict[str, Any]:
    """Return what PKS_SSO_ISSUER, _CLIENT_ID, _CLIENT_SECRET(_FILE), _NAME, _NEWCOMERS, _GROUPS_CLAIM, _SCOPES say.

    Empty where no issuer is named; `app` is allauth's description. The id is made of the issuer, so that accounts
    linked at one are unknown at another. Raises ImproperlyConfigured.
    """
    issuer = env.text("PKS_SSO_ISSUER", "").rstrip("/")
    if not issuer:
        return {}
    parts = urlsplit(issuer)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ImproperlyConfigured("PKS_SSO_ISSUER must begin with https://.")
    name = env.text("PKS_SSO_NAME", parts.hostname or "SSO")
    app = {
        "provider_id": f"oidc-{hashlib.sha256(issuer.encode()).hexdigest()[:12]}",
        "name": name[:40],
        "client_id": env.text("PKS_SSO_CLIENT_ID"),
        "secret": env.text("PKS_SSO_CLIENT_SECRET", ""),
        "settings": {
            "server_url": issuer,
            "scope": env.items("PKS_SSO_SCOPES", "openid,profile,email"),
            "oauth_pkce_enabled": True,
        },
    }
    return {
        "id": app["provider_id"],
        "name": name,
        "issuer": issuer,
        "newcomers": env.flag("PKS_SSO_NEWCOMERS", default=False),
        "groups_claim": env.text("PKS_SSO_GROUPS_CLAIM", "groups"),
        "app": app,
    }
