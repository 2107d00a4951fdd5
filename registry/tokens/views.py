"""`/service/token`: Docker registry v2 token authentication, on the origin of `/v2/` itself.

Newer clients refuse a realm on another private address. GET with Basic credentials only: where POST (OAuth2) is
refused with 405, containerd and docker fall back to it.
"""

from http import HTTPStatus

from allauth.core.internal import ratelimit
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from pks_portal.errors import PortalError, Unavailable
from registry.tokens import scopes, signing, subjects
from tenants.http import needs_cache

LIMITS = {"registry_sign_in": "60/m/ip"}
"""Wrong names and secrets of robots and tokens; people's passwords have the limits of every sign-in."""
LONGEST = 4096


@csrf_exempt
@never_cache
@require_GET
def token(request: HttpRequest) -> JsonResponse:
    """Answer {token, access_token, expires_in, issued_at}; 401 for wrong credentials, fewer actions for less right."""
    asked = request.GET.getlist("scope")
    if sum(map(len, asked)) > LONGEST:
        return _error("UNSUPPORTED", "too many scopes", HTTPStatus.BAD_REQUEST)
    try:
        answer: JsonResponse = needs_cache(_answer)(request)  # type: ignore[assignment]
    except PortalError as error:
        return _refused(error)
    return answer


def _answer(request: HttpRequest) -> JsonResponse:
    subject = _identified(request)
    asked = request.GET.getlist("scope")
    if subject.kind == "nobody" and not asked:
        raise subjects.Unknown("error.registry_sign_in")
    issued = signing.issue(subject.name, subject.kind, subject.key, scopes.granted(subject, asked))
    body = {
        "token": issued.token,
        "access_token": issued.token,
        "expires_in": issued.expires_in,
        "issued_at": issued.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return JsonResponse(body)


def _identified(request: HttpRequest) -> subjects.Subject:
    """Return who asks, counting wrong guesses by address. Raises Unknown, Unavailable."""
    try:
        return subjects.identify(request)
    except subjects.Unknown:
        if not ratelimit.consume(request, app="registry", action="registry_sign_in", config=LIMITS):
            raise Unavailable("error.registry_too_many") from None
        raise


def _refused(error: PortalError) -> JsonResponse:
    """Say what is wrong in the registry's own form, whose `message` clients print."""
    code = "TOOMANYREQUESTS" if error.key == "error.registry_too_many" else "UNAUTHORIZED"
    status = HTTPStatus.TOO_MANY_REQUESTS if code == "TOOMANYREQUESTS" else HTTPStatus(error.status)
    text = f"{error.detail} {error.next_step}".strip()
    response = _error(code, text, status)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Basic realm="pks-portal"'
    elif status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        response.headers["Retry-After"] = "60" if code == "TOOMANYREQUESTS" else "5"
    return response


def _error(code: str, message: str, status: HTTPStatus) -> JsonResponse:
    return JsonResponse({"errors": [{"code": code, "message": message, "detail": None}]}, status=status)
