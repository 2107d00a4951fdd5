"""What every request of a signed-in person passes: is the session still alive, and is a second factor missing."""

from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.http import urlencode

from pks_portal.errors import PROBLEM, PROGRAMS, Forbidden
from tenants import access, audit, factors, lifetimes
from tenants.models import User

Handler = Callable[[HttpRequest], HttpResponse]
ENROL = "/accounts/security/"
OPEN = ("/accounts/", "/preferences", "/healthz", "/readyz", "/oauth/", "/api/schema")
"""What somebody whose second factor is missing can reach: the way to get one, and the way out."""
SHUT = "/accounts/device/"
"""But not this: what it gives would be a way around."""


class SessionMiddleware:
    """End sessions that are too old or idle; note when and where the others were seen last."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if isinstance(user, User):
            if not lifetimes.alive(request.session):
                audit.record(user, "session.end", user, reason="idle or too old")
                logout(request)
            elif not automatic(request) and lifetimes.note(request.session):
                UserSession.objects.create_from_request(request)
        return self.get_response(request)


class RightsMiddleware:
    """Read the platform roles of who looks at something once; what may change them asks anew each time."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD"} or request.path.startswith(("/accounts/", "/oauth/")):
            return self.get_response(request)
        with access.remembering():
            return self.get_response(request)


class SecondFactorMiddleware:
    """Let people who must have a second factor do nothing but enrol one."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        open_to_all = request.path.startswith(OPEN) and not request.path.startswith(SHUT)
        if not isinstance(user, User) or open_to_all or not factors.lacks_second_factor(user):
            return self.get_response(request)
        if PROGRAMS.match(request.path):
            problem = Forbidden("error.mfa_missing", link=ENROL)
            return JsonResponse(problem.as_problem(), status=problem.status, content_type=PROBLEM)
        if "HX-Request" in request.headers:
            return HttpResponse(status=403, headers={"HX-Redirect": ENROL})
        back = {REDIRECT_FIELD_NAME: request.get_full_path()} if request.method == "GET" else {}
        return redirect(f"{ENROL}?{urlencode(back)}" if back and request.path != "/" else ENROL)


def automatic(request: HttpRequest) -> bool:
    """Say whether an open page asked by itself, which says nothing of its person."""
    return "X-Automatic" in request.headers
