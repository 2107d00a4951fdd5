"""`Idempotency-Key`: a change that is sent again, because its answer got lost, is answered again and not done again.

A record is claimed before the request is carried out and filled with the answer afterwards. Its unique key (actor, key)
decides between two at once. The record's id goes with the request (`request.idempotency`): a task that is made keeps
it, so that a request whose process died after the deed finds the deed when it comes again.

What the policy allowed the first time is asked once more before the answer is given again: who has lost a right
meanwhile gets no answer that needed it.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.views import APIView

from pks_portal.errors import PROBLEM, Conflict, Invalid, PortalError
from tenants.access import ALLOWED, Allowed, require_still
from tenants.automation.idempotency import claim
from tenants.models import IdempotencyRecord, User

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
SHAPE: Final = re.compile(r"[!-~]{1,80}")
PATHS: Final = "/api/v1/"
CHANGING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
HEADERS: Final = ("Content-Type", "Content-Language", "Location", "Link", "ETag")
"""What is kept of an answer beside status and body."""
NAMES: Final = ("id", "name")
"""What is kept of an answer that is shown once."""
PASSING: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
"""Refusals of this attempt only, not of what it asks."""
State = IdempotencyRecord.State


class KeyReused(PortalError):
    """The key belongs to another request."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    general = "next.conflict"


class InProgress(Conflict):
    """The first request with this key is still being carried out."""


class IdempotencyMiddleware:
    """Carry out a change with a key once (the innermost middleware)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if HEADER not in request.headers:
            return self.get_response(request)
        allowed: Allowed = []
        token = ALLOWED.set(allowed)
        try:
            response = self.get_response(request)
        finally:
            ALLOWED.reset(token)
        if (record := getattr(request, "idempotency", None)) is not None:
            record.allowed = sorted(set(allowed), key=str)
            finish(record, response)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Claim the key, or answer instead of the view."""
        key = request.headers.get(HEADER)
        if key is None or request.method not in CHANGING or not request.path.startswith(PATHS):
            return None
        if (user := _user(request, view)) is None:
            return None  # the view says so
        try:
            if not SHAPE.fullmatch(key):
                raise Invalid("error.idempotency_key_wrong")
            return _claimed(request, user, key)
        except PortalError as error:
            headers = {"Retry-After": "1"} if isinstance(error, InProgress) else None
            return JsonResponse(error.as_problem(), status=error.status, content_type=PROBLEM, headers=headers)


def request_key(request: HttpRequest) -> str:
    """Return the id of the request's record, fit for NewOperation; empty without an Idempotency-Key."""
    record = getattr(request, "idempotency", None)
    return str(record.pk) if record is not None else ""


def finish(record: IdempotencyRecord, response: HttpResponse) -> None:
    """Keep the answer for whoever asks again; nothing of one that may be otherwise next time, no secret ever."""
    mine = IdempotencyRecord.objects.filter(pk=record.pk, claim=record.claim)
    status = response.status_code
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in PASSING or response.streaming:
        mine.update(state=State.FREE)
    elif "no-store" in response.headers.get("Cache-Control", ""):
        mine.update(state=State.SHOWN, status=status, allowed=record.allowed, body=json.dumps(_named(response)))
    else:
        headers = {name: response.headers[name] for name in HEADERS if name in response.headers}
        kept = {"headers": headers, "allowed": record.allowed, "body": response.content.decode()}
        mine.update(state=State.DONE, status=status, **kept)


def _user(request: HttpRequest, view: Callable[..., Any]) -> User | None:
    """Return who asks, as REST framework finds out, and spare it finding out twice; None for strangers."""
    kind: Any = getattr(view, "cls", object)
    if not issubclass(kind, APIView):
        return None
    asked = Request(request, authenticators=kind().get_authenticators())
    try:
        user = asked.user
    except APIException:
        return None
    if not isinstance(user, User):
        return None
    request._force_auth_user, request._force_auth_token = user, asked.auth  # type: ignore[attr-defined]  # noqa: SLF001
    return user


def _claimed(request: HttpRequest, user: User, key: str) -> HttpResponse | None:
    """Take the record and let the request go on, or answer.

    Raises KeyReused, InProgress, Conflict (shown once), Forbidden (what the first one was allowed is so no more).
    """
    asked = IdempotencyRecord(
        actor=user, key=key, method=str(request.method), path=request.get_full_path()[:500],
        digest=_digest(request, user), claim=uuid.uuid4(),
    )  # fmt: skip
    record = claim(asked)
    if record.digest != asked.digest:
        raise KeyReused("error.idempotency_key_reused")
    if record.claim == asked.claim:
        request.idempotency = record  # type: ignore[attr-defined]
        return None
    require_still(user, record.allowed)
    if record.state == State.SHOWN:
        raise Conflict("error.shown_once", **json.loads(record.body))
    if record.state != State.DONE:
        raise InProgress("error.request_in_progress")
    again = HttpResponse(record.body, status=record.status, headers={**record.headers, REPLAYED: "true"})
    if "Content-Type" not in record.headers:
        del again.headers["Content-Type"]  # there was no content
    return again


def _digest(request: HttpRequest, user: User) -> str:
    """Return the digest of what is asked: JSON in other words, or by a token of another scope, counts as said."""
    try:
        body: Any = request.body
    except (SuspiciousOperation, OSError):
        raise Invalid("error.refused", status=HTTPStatus.BAD_REQUEST.value) from None
    with suppress(ValueError, RecursionError):  # not JSON: as it is; the view says so
        body = json.dumps(json.loads(body), sort_keys=True).encode()
    scope = "" if user.scope is None else ",".join(sorted(user.scope))
    said = [str(request.method), request.get_full_path(), scope]
    return hashlib.sha256(b"\0".join([*(part.encode() for part in said), body])).hexdigest()


def _named(response: HttpResponse) -> dict[str, str]:
    """Return the id and name of what an answer shows once."""
    try:
        body = json.loads(response.content)
    except ValueError:
        body = {}
    found = {name: str(body[name]) for name in NAMES if name in body} if isinstance(body, dict) else {}
    return {"id": "-", "name": "-"} | found
