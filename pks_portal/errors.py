"""The portal's own errors, and how each is shown: problem+json to programs, a page or a fragment to people."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, ClassVar

from django.core.exceptions import DisallowedHost, SuspiciousOperation, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from pks_portal import messages, text

PROBLEM = "application/problem+json"
PROGRAMS = re.compile(r"^/(api|v1|oauth)/")
FORMS = "/oauth/"
"""Where programs send forms; elsewhere they send JSON, which is read by the API once it knows who asks."""
"""Paths that programs call: what goes wrong there is said in JSON."""


class PortalError(Exception):
    """A refusal or failure that the caller is meant to read.

    Arguments: `key` names the text in the catalogue, `args` fill it in and are shown to programs as facts. Optional:
    `field` (the input that is wrong), `system` (the outside system that failed), `cause` (its own words, without
    secrets), `link` (where to look). The text "<key>.next", or the general one of the class, tells the next step.
    """

    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST
    general: ClassVar[str] = "next.invalid"

    def __init__(
        self, key: str, *, field: str = "", system: str = "", cause: str = "", link: str = "", **args: Any
    ) -> None:
        super().__init__(key)
        self.key, self.facts = key, args
        self.field, self.system, self.cause, self.link = field, system, cause[:2000], link

    def __str__(self) -> str:
        return self.detail

    @property
    def code(self) -> str:
        """The stable word for programs: the key with dashes."""
        return self.key.removeprefix("error.").replace(".", "-").replace("_", "-")

    @property
    def detail(self) -> str:
        """What happened, in the active language."""
        return messages.render(self.key, self.facts)

    @property
    def said(self) -> messages.Said:
        """The text to be stored."""
        return messages.Said(self.key, self.facts)

    @property
    def next_step(self) -> str:
        """What the reader can do about it, in the active language."""
        key = f"{self.key}.next"
        return messages.render(key if key in messages.CATALOGUE else self.general, self.facts)

    def as_problem(self) -> dict[str, Any]:
        """Return the RFC 9457 body."""
        extra = {
            "next": self.next_step,
            "field": self.field,
            "system": self.system,
            "cause": self.cause,
            "link": self.link,
        }
        return {
            "type": f"urn:pks-portal:{self.code}",
            "title": self.status.phrase,
            "status": self.status.value,
            "code": self.code,
            "detail": self.detail,
            **{name: value for name, value in extra.items() if value},
            **({"errors": {self.field: [self.detail]}} if self.field else {}),
            **{name: messages.shown(value) for name, value in self.facts.items()},
        }


class Invalid(PortalError):
    """The input is wrong; the field says where."""


class Forbidden(PortalError):
    status = HTTPStatus.FORBIDDEN
    general = "next.forbidden"


class NotFound(PortalError):
    status = HTTPStatus.NOT_FOUND
    general = "next.not_found"


class Conflict(PortalError):
    status = HTTPStatus.CONFLICT
    general = "next.conflict"


class QuotaExceeded(Conflict):
    """The tenant may not have that much."""


class Unavailable(PortalError):
    """Something outside did not answer; the same request may succeed later."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    general = "next.unavailable"


NEXT = {
    HTTPStatus.BAD_REQUEST: "next.not_json",
    HTTPStatus.UNAUTHORIZED: "next.unauthorized",
    HTTPStatus.FORBIDDEN: "next.forbidden",
    HTTPStatus.NOT_FOUND: "next.not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "next.method",
    HTTPStatus.NOT_ACCEPTABLE: "next.only_json",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "next.only_json",
}
"""What to do about a refusal that is REST framework's or Django's own."""


def problem_response(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Render every API error as problem+json (REST framework's EXCEPTION_HANDLER)."""
    from rest_framework.views import exception_handler  # noqa: PLC0415  (needs settings; programs without raise errors too)

    if isinstance(exc, Http404):
        exc = NotFound("error.not_found")
    if isinstance(exc, ValidationError):
        exc = exceptions.ValidationError(detail=serializers.as_serializer_error(exc))
    if isinstance(exc, PortalError):
        headers = {"Retry-After": "5"} if isinstance(exc, Unavailable) else None
        return Response(exc.as_problem(), status=exc.status, content_type=PROBLEM, headers=headers)
    if (response := exception_handler(exc, context)) is None:
        return None
    status = HTTPStatus(response.status_code)
    body: dict[str, Any] = {"type": "about:blank", "title": status.phrase, "status": status.value}
    if isinstance(exc, exceptions.ValidationError):
        errors = response.data if isinstance(response.data, dict) else {"__all__": response.data}
        first = next(iter(errors), "__all__")
        body |= {"type": "urn:pks-portal:invalid", "code": "invalid", "field": first, "errors": errors}
        body["detail"] = _("Some fields are not right.")
        body["next"] = _("Correct the fields under “errors” and send the request again.")
    else:
        code = str(getattr(exc, "default_code", "error")).replace("_", "-")
        body |= {"type": f"urn:pks-portal:{code}", "code": code, "detail": str(response.data.get("detail", ""))}
        body["next"] = _next(status)
    response.data = body
    response.content_type = PROBLEM
    return response


def _next(status: HTTPStatus) -> str:
    return messages.render(NEXT.get(status, "next.unavailable"), {})


def _plain_problem(status: HTTPStatus) -> JsonResponse:
    """Say in JSON what a program's request came to before it reached the API: no such path, a bug."""
    if status == HTTPStatus.NOT_FOUND:
        return JsonResponse(NotFound("error.not_found").as_problem(), status=status, content_type=PROBLEM)
    code = status.phrase.lower().replace(" ", "-")
    body = {"type": f"urn:pks-portal:{code}", "title": status.phrase, "status": status.value, "code": code}
    key = "error.unexpected" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "error.refused"
    detail = messages.render(key, {"status": status.value})
    return JsonResponse({**body, "detail": detail, "next": _next(status)}, status=status, content_type=PROBLEM)


def _unreadable(request: HttpRequest) -> JsonResponse | None:
    """Return the refusal of a program's request that cannot be read, or has text that no database can keep."""
    try:
        if not text.impossible_request(request, form=request.path.startswith(FORMS)):
            return None
    except (SuspiciousOperation, MultiPartParserError):
        return _plain_problem(HTTPStatus.BAD_REQUEST)
    said = Invalid("error.text_impossible").as_problem()
    return JsonResponse(said, status=HTTPStatus.BAD_REQUEST, content_type=PROBLEM)


class PortalErrorMiddleware:
    """Show a PortalError raised by an HTML view as a page, or as a fragment to htmx; to programs, all in JSON."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not PROGRAMS.match(request.path):
            request.GET = text.legible(request.GET)  # type: ignore[assignment]
        elif (refused := _unreadable(request)) is not None:
            return refused
        response = self.get_response(request)
        bare = response.status_code >= HTTPStatus.BAD_REQUEST and PROGRAMS.match(request.path)
        if not bare or "json" in response.headers.get("Content-Type", ""):
            return response.rendered(request) if isinstance(response, PageLater) else response
        problem = _plain_problem(HTTPStatus(response.status_code))
        if allowed := response.headers.get("Allow"):
            problem.headers["Allow"] = allowed
        return problem

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        if not isinstance(exc, PortalError):
            return None
        template = "_error.html" if "HX-Request" in request.headers else "error.html"
        return render(request, template, {"error": exc}, status=exc.status)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say on a page that the form was too old or came from elsewhere (CSRF_FAILURE_VIEW)."""
    return render(request, "error.html", {"error": Forbidden("error.csrf")}, status=HTTPStatus.FORBIDDEN)


class PageLater(HttpResponse):
    """A refusal whose page PortalErrorMiddleware renders, in the thread of the request.

    Under ASGI Django calls handlers in a thread of its own, after which nobody looks: the connection to the database
    that the page opened there would stay open, and once broken would break the next page.
    """

    def __init__(self, template: str, status: HTTPStatus) -> None:
        super().__init__(status.phrase, content_type="text/plain", status=status)
        self.template = template

    def rendered(self, request: HttpRequest) -> HttpResponse:
        """Return the page itself."""
        return render(request, self.template, status=self.status_code)


def not_understood(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for what cannot be trusted: a strange Host, a broken cookie (handler400).

    It can come before anybody knows who asks, so it is said at once, without what surrounds a page.
    """
    if PROGRAMS.match(request.path):
        if not isinstance(exception, DisallowedHost):
            return _plain_problem(HTTPStatus.BAD_REQUEST)
        problem = Invalid("error.host_unknown").as_problem()
        return JsonResponse(problem, status=HTTPStatus.BAD_REQUEST, content_type=PROBLEM)
    return HttpResponse(render_to_string("400.html"), status=HTTPStatus.BAD_REQUEST)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for what is not there (handler404)."""
    return PageLater("404.html", HTTPStatus.NOT_FOUND)


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for what is not allowed (handler403)."""
    return PageLater("403.html", HTTPStatus.FORBIDDEN)
