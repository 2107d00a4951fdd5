"""What happens around every request: the language, and where a deed comes from (for the audit trail)."""

import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from pks_portal.errors import PROGRAMS
from tenants import audit

Handler = Callable[[HttpRequest], HttpResponse]


class LanguageMiddleware:
    """Pages speak the language chosen (cookie) or the browser's; programs get what Accept-Language asks for."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = translation.get_language_from_request(request)
        if PROGRAMS.match(request.path) and settings.LANGUAGE_COOKIE_NAME not in request.COOKIES:
            language = language if request.headers.get("Accept-Language") else "en"
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


class OriginMiddleware:
    """Remember door, address and request id for whatever is recorded while the request is served."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex[:16]
        door = "api" if PROGRAMS.match(request.path) else "page"
        token = audit.origin.set(audit.Origin(via=door, address=client_address(request), request_id=request_id))
        try:
            response = self.get_response(request)
        finally:
            audit.origin.reset(token)
        response.headers["X-Request-ID"] = request_id
        return response


def client_address(request: HttpRequest) -> str | None:
    """Return the client's address: the one that our own proxies saw, never one that the client wrote."""
    proxies = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    if proxies and (forwarded := request.headers.get("X-Forwarded-For")):
        hops = [hop.strip() for hop in forwarded.split(",")]
        return hops[-proxies] if len(hops) >= proxies else hops[0]
    address = request.META.get("REMOTE_ADDR")
    return str(address) if address else None


class SignInAgainMiddleware:
    """Tell htmx and the feed, which would follow a redirect into the sign-in page, that the session has ended."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        location = response.headers.get("Location", "")
        if "HX-Request" not in request.headers or not location.startswith(settings.LOGIN_URL):
            return response
        return HttpResponse(status=401)  # the page stays, with what was typed, and says it
