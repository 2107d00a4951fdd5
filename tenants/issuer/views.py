"""What API servers read: the issuer's description and its public keys. Nothing here depends on who asks."""

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from tenants import issuer

KEYS: Final = "/.well-known/jwks.json"


@require_safe
def configuration(request: HttpRequest) -> JsonResponse:
    """Describe the issuer (OpenID Connect Discovery 1.0), as far as it is one: it signs for clusters, no more.

    People get their tokens over REST, with the sign-in that they have: there is no authorization endpoint.
    """
    url = issuer.issuer_url()
    body = {
        "issuer": url,
        "jwks_uri": url + KEYS,
        "authorization_endpoint": f"{settings.PUBLIC_URL}/accounts/login/",  # required by the standard
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "preferred_username", "name", "groups", "jti"],
    }
    return _kept(body)


@require_safe
def keys(request: HttpRequest) -> JsonResponse:
    """Return the public keys (RFC 7517)."""
    return _kept({"keys": issuer.published()})


def _kept(body: Mapping[str, object]) -> JsonResponse:
    seconds = settings.ISSUER_KEYS_KEPT_SECONDS
    return JsonResponse(body, headers={"Cache-Control": f"public, max-age={seconds}, must-revalidate"})
