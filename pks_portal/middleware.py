"""What happens around every request: the language, and where a deed comes from (for the audit trail)."""

import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from structlog.contextvars import bind_contextvars, clear_contextvars

from pks_portal.errors import PROGRAMS
from tenants import audit
from tenants.http import page_of

REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,39}")
"""What is taken over from a proxy or program that numbers its requests itself."""
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
    """Remember door, address and request id for whatever is recorded or logged while the request is served."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex[:16]
        clear_contextvars()
        bind_contextvars(request_id=request_id)  # it stays bound: Django logs a refusal after the last middleware
        door = _door(request)
        token = audit.origin.set(audit.Origin(via=door, address=client_address(request), request_id=request_id))
        try:
            response = self.get_response(request)
        finally:
            audit.origin.reset(token)
        response.headers["X-Request-ID"] = request_id
        return response


def _door(request: HttpRequest) -> str:
    """Return the way in; that it was the command line is the client's own word, and no right hangs on it."""
    if not PROGRAMS.match(request.path):
        return "page"
    return "cli" if request.headers.get("User-Agent", "").startswith("pks-cli") else "api"


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
        if not location.startswith(settings.LOGIN_URL):
            return response
        if "HX-Request" in request.headers:
            return HttpResponse(status=401)  # the page stays, with what was typed, and says it
        if request.method == "POST" and f"?{REDIRECT_FIELD_NAME}=" in location:
            return redirect_to_login(page_of(request))  # signing in leads back to the page, not to the form's address
        return response
