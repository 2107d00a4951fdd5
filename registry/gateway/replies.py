"""Answers of the gateway's own, in the registry's form (OCI distribution spec 1.1, "Error Codes")."""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.http.request import validate_host  # noqa: TID251 - the rule of Django's own requests

from pks_portal.errors import Conflict, Forbidden, Invalid, NotFound, PortalError, QuotaExceeded, Unavailable
from registry.serving import SERVICE

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Headers = list[tuple[bytes, bytes]]

PRECONDITION: Final = HTTPStatus.PRECONDITION_FAILED
CODES: Final[Mapping[type[PortalError], tuple[str, HTTPStatus]]] = {
    QuotaExceeded: ("DENIED", HTTPStatus.FORBIDDEN),
    Conflict: ("PRECONDITION", PRECONDITION),
    Forbidden: ("DENIED", HTTPStatus.FORBIDDEN),
    NotFound: ("MANIFEST_UNKNOWN", HTTPStatus.NOT_FOUND),
    Unavailable: ("UNAVAILABLE", HTTPStatus.SERVICE_UNAVAILABLE),
    Invalid: ("MANIFEST_INVALID", HTTPStatus.BAD_REQUEST),
}
"""How the portal's errors are said to clients, which print the message."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


async def send(reply: Reply, to: Send, *, head: bool = False) -> None:
    """Send an answer; `head`: to a HEAD request, so without its body."""
    headers: Headers = [(b"docker-distribution-api-version", b"registry/2.0")]
    headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    await to({"type": "http.response.start", "status": reply.status, "headers": headers})
    await to({"type": "http.response.body", "body": b"" if head else reply.body})


def said(data: Any, headers: Iterable[tuple[str, str]] = (), *, media_type: str = "application/json") -> Reply:
    """Return data as an answer."""
    return Reply(HTTPStatus.OK, json.dumps(data).encode(), (("Content-Type", media_type), *headers))


def error(code: str, message: str, status: int, headers: Iterable[tuple[str, str]] = ()) -> Reply:
    """Return a refusal."""
    body = json.dumps({"errors": [{"code": code, "message": message, "detail": None}]}, ensure_ascii=False)
    return Reply(status, body.encode(), (("Content-Type", "application/json"), *headers))


def of_portal(problem: PortalError) -> Reply:
    """Return one of the portal's own errors, with its next step, as a refusal."""
    code, status = next(
        (found for kind, found in CODES.items() if isinstance(problem, kind)), ("UNKNOWN", problem.status)
    )
    headers = [("Retry-After", "5")] if status == HTTPStatus.SERVICE_UNAVAILABLE else []
    said = f"{problem.detail} {problem.next_step}".strip()
    if isinstance(problem, QuotaExceeded):
        said += f" {settings.PUBLIC_URL}/tenants/{problem.facts['tenant']}/quota"
    return error(code, said, status, headers)


def challenge(scope: Scope, repository: str, actions: str, *, insufficient: bool) -> Reply:
    """Tell the client where to get a token (RFC 6750; distribution's "Token Authentication")."""
    parts = [f'realm="{origin(scope)}/service/token"', f'service="{SERVICE}"']
    if repository:
        parts.append(f'scope="repository:{repository}:{actions}"')
    if insufficient:
        parts.append('error="insufficient_scope"')
    headers = [("WWW-Authenticate", "Bearer " + ",".join(parts))]
    return error("UNAUTHORIZED", "authentication required", HTTPStatus.UNAUTHORIZED, headers)


def origin(scope: Scope) -> str:
    """Return scheme and host under which the client came, where it is one of ours; else the portal's public address."""
    headers = dict(scope["headers"])
    host = headers.get(b"host", b"").decode("latin-1")
    bare = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if not host or not validate_host(bare.lower(), settings.ALLOWED_HOSTS):
        return str(settings.PUBLIC_URL)
    forwarded = headers.get(b"x-forwarded-proto", b"").decode("latin-1") if settings.SECURE_PROXY_SSL_HEADER else ""
    return f"{forwarded or scope['scheme']}://{host}"
