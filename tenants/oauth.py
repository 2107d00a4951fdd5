"""How programs sign in and out: `/oauth/token`, `/oauth/device` and `/oauth/revoke`.

In the shape of Cloud Foundry's UAA, which PKS clients expect.
"""

import base64
import binascii
from http import HTTPStatus
from typing import Any, Final

from allauth.account.adapter import get_adapter
from allauth.core.internal import ratelimit
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from pks_portal.errors import Unavailable
from tenants import audit, device, factors, tokens
from tenants.http import View, needs_cache
from tenants.models import PlatformRole

CLIENT: Final = "pks_cli"
RETRY_AFTER: Final = 5  # seconds
DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
LIMITS: Final = {"device": "30/m/ip", "poll": "600/m/ip"}
"""A whole company may come from one address: a program that waits asks twelve times a minute."""
NOT_YET: Final = {
    "authorization_pending": gettext_lazy("Nobody has confirmed this sign-in yet."),
    "slow_down": gettext_lazy("Ask more slowly."),
    "access_denied": gettext_lazy("The sign-in was refused."),
    "expired_token": gettext_lazy("The code is used or no longer valid. Start anew."),
}
CODES: Final = {
    "directory_unavailable": ("temporarily_unavailable", HTTPStatus.SERVICE_UNAVAILABLE),
    "too_many_attempts": ("slow_down", HTTPStatus.TOO_MANY_REQUESTS),
    "password_change_needed": ("password_change_required", HTTPStatus.UNAUTHORIZED),
}


@csrf_exempt
@never_cache
@require_POST
@sensitive_post_parameters("password", "refresh_token", "device_code")
def token(request: HttpRequest) -> HttpResponse:
    """Give tokens for a password, a refresh token or a device code; errors are `{error, error_description}`."""
    return _told(_grant, request)


@csrf_exempt
@never_cache
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """Give a program codes, with which its person signs it in by a browser (RFC 8628, 3.1)."""
    return _told(_ask, request)


def _told(view: View, request: HttpRequest) -> HttpResponse:
    try:
        return view(request)
    except Unavailable as error:
        return _error("temporarily_unavailable", error.detail, error.status, after=RETRY_AFTER)


@needs_cache
def _ask(request: HttpRequest) -> HttpResponse:
    if not ratelimit.consume(request, app="tenants", action="device", config=LIMITS):
        return _too_many()
    if not _is_known_client(request):
        return _error("invalid_client", _("The client is not known."), HTTPStatus.UNAUTHORIZED)
    codes = device.ask(CLIENT)
    body = {
        "device_code": codes.device,
        "user_code": codes.user,
        "verification_uri": settings.PUBLIC_URL + reverse("device"),
        "expires_in": int(device.LIFETIME.total_seconds()),
        "interval": device.INTERVAL,
    }
    return JsonResponse(body)


@needs_cache
def _grant(request: HttpRequest) -> HttpResponse:
    polls = request.POST.get("grant_type") == DEVICE
    login = {"app": "allauth.account", "action": "login"}
    limit = {"app": "tenants", "action": "poll", "config": LIMITS} if polls else login
    if not ratelimit.consume(request, **limit):
        return _too_many()
    if not _is_known_client(request):
        return _error("invalid_client", _("The client is not known."), HTTPStatus.UNAUTHORIZED)
    grants = {"password": _by_password, "refresh_token": _by_refresh_token, DEVICE: _by_device}
    if not (wanted := request.POST.get("grant_type", "")):
        return _error("invalid_request", _("“grant_type” is missing."))
    if (grant := grants.get(wanted)) is None:
        text = _("Only “password”, “refresh_token” and “%(device)s” are possible.")
        return _error("unsupported_grant_type", text % {"device": DEVICE})
    return grant(request)


@csrf_exempt
@never_cache
@require_POST
@sensitive_post_parameters("token")
def revoke(request: HttpRequest) -> HttpResponse:
    """End the sign-in of the given `token` (RFC 7009: the answer is the same for an unknown one)."""
    if not _is_known_client(request):
        return _error("invalid_client", _("The client is not known."), HTTPStatus.UNAUTHORIZED)
    tokens.end(request.POST.get("token", ""))
    return HttpResponse(status=HTTPStatus.OK)


def _by_password(request: HttpRequest) -> HttpResponse:
    credentials = {name: request.POST.get(name, "") for name in ("username", "password")}
    try:
        user = get_adapter(request).authenticate(request, **credentials)
    except ValidationError as error:
        word, status = CODES.get(error.code or "", ("unauthorized", HTTPStatus.UNAUTHORIZED))
        return _error(word, " ".join(error.messages), status, after=_retry_after(error, status))
    if factors.takes_no_password_alone(user):
        audit.record(None, "session.refused", None, login=user.username[:64], reason="mfa_required")
        text = _("This account has a second factor, which cannot be asked for here. Sign in with the browser instead.")
        return _error("mfa_required", text, HTTPStatus.UNAUTHORIZED)
    return _answer(tokens.start(user, CLIENT))


def _by_refresh_token(request: HttpRequest) -> HttpResponse:
    pair = tokens.refresh(request.POST.get("refresh_token", ""))
    if pair is None:
        text = _("The refresh token is not valid or no longer valid. Sign in again.")
        return _error("invalid_grant", text, HTTPStatus.UNAUTHORIZED)
    return _answer(pair)


def _by_device(request: HttpRequest) -> HttpResponse:
    try:
        user = device.redeem(request.POST.get("device_code", ""), CLIENT)
    except device.NotYet as error:
        return _error(error.word, str(NOT_YET[error.word]))
    return _answer(tokens.start(user, CLIENT))


def _is_known_client(request: HttpRequest) -> bool:
    """Say whether the caller is `pks_cli`, a public client without a secret, by Basic or in the body."""
    scheme, _space, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.POST.get("client_id") == CLIENT and not request.POST.get("client_secret")
    try:
        return base64.b64decode(value, validate=True) == f"{CLIENT}:".encode()
    except binascii.Error:
        return False


def _retry_after(error: ValidationError, status: HTTPStatus) -> int | None:
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return RETRY_AFTER
    return (error.params or {}).get("seconds")


def _answer(pair: tokens.Pair) -> HttpResponse:
    body = {
        "access_token": pair.access,
        "token_type": "bearer",
        "refresh_token": pair.refresh,
        "expires_in": pair.expires_in,
        "scope": _scope(pair),
        "jti": pair.access_id.hex,
    }
    return JsonResponse(body)


def _scope(pair: tokens.Pair) -> str:
    """Return the PKS scope that comes nearest to the person's rights; what decides are the roles themselves."""
    held = set(pair.user.platform_grants.values_list("role", flat=True))
    if PlatformRole.PLATFORM_ADMIN in held:
        return "pks.clusters.admin"
    return "pks.clusters.admin.read" if PlatformRole.AUDITOR in held else "pks.clusters.manage"


def _too_many() -> HttpResponse:
    return _error("slow_down", _("Too many requests. Wait a minute."), HTTPStatus.TOO_MANY_REQUESTS, after=60)


def _error(word: str, text: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST, after: int | None = None) -> HttpResponse:
    response: dict[str, Any] = {"error": word, "error_description": text}
    headers = {"Retry-After": str(after)} if after else {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="pks-portal"'
    return JsonResponse(response, status=status, headers=headers)
