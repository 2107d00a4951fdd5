"""The gateway's door: tells what a request under `/v2/` is about, looks at its token, and passes it on."""

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs, urlencode

from pks_portal.errors import PortalError
from registry.gateway import deciding, fetching, holders, listing, manifests
from registry.gateway.passing import passed
from registry.gateway.replies import Receive, Reply, Scope, Send, challenge, error, of_portal, send
from registry.gateway.wire import Gone
from registry.names import Name
from registry.tokens import signing
from registry.tokens.signing import Claims

log = logging.getLogger(__name__)
App = Callable[[Any, Any, Any], Awaitable[None]]

ROUTE: Final = re.compile(r"/v2/(?P<name>.+)/(?P<what>manifests|blobs|tags|referrers)/(?P<rest>.+)")
ACTION: Final = {"GET": "pull", "HEAD": "pull", "PUT": "push", "POST": "push", "PATCH": "push", "DELETE": "delete"}
ALLOWED: Final = {
    "manifests": {"GET", "HEAD", "PUT", "DELETE"},
    "blobs": {"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"},
    "tags": {"GET", "HEAD"},
    "referrers": {"GET", "HEAD"},
}


@dataclass(frozen=True, slots=True)
class Call:
    """A request to one repository, by somebody who may do it."""

    scope: Scope
    receive: Receive
    send: Send
    name: Name
    what: str
    rest: str
    claims: Claims

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def query(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(self.scope["query_string"].decode("latin-1")).items()}

    def header(self, name: bytes) -> str:
        """Return a header of the request; empty where it is not there."""
        return next((value.decode("latin-1") for key, value in self.scope["headers"] if key == name), "")


class Gateway:
    """Serve `/v2/`, and leave all else to the application behind."""

    def __init__(self, inner: App) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, to: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not (path == "/v2" or path.startswith("/v2/")):
            await self.inner(scope, receive, to)
            return
        begun = Begun(to)
        try:
            reply = await _serve(scope, receive, begun)
        except PortalError as problem:
            with deciding.in_english():
                reply = of_portal(problem)
        except Gone:
            return
        except Exception:
            log.exception("The gateway hit a bug.")
            reply = error("UNKNOWN", "Something went wrong in the portal.", HTTPStatus.INTERNAL_SERVER_ERROR)
        if reply is not None and not begun.yes:
            await send(reply, to, head=scope["method"] == "HEAD")


class Begun:
    """A way to send that remembers whether an answer has begun."""

    def __init__(self, to: Send) -> None:
        self.to = to
        self.yes = False

    async def __call__(self, message: Any) -> None:
        self.yes = True
        await self.to(message)


async def _serve(scope: Scope, receive: Receive, to: Send) -> Reply | None:
    """Answer, or return what is to be answered. Raises PortalError, Gone."""
    path, method = scope["path"], scope["method"]
    claims = _claims(scope)
    if claims is not None and not await holders.active(claims):
        claims = None
    if path in {"/v2", "/v2/"}:
        return challenge(scope, "", "", insufficient=False) if claims is None else Reply(HTTPStatus.OK, b"{}")
    if path == "/v2/_catalog":
        return await listing.catalog(scope, claims)
    found = ROUTE.fullmatch(path)
    name = Name.read(found["name"]) if found else None
    if found is None or name is None:
        return error("NAME_INVALID", "no repository has such a name", HTTPStatus.NOT_FOUND)
    if method not in ALLOWED[found["what"]]:
        return error("UNSUPPORTED", "the operation is unsupported", HTTPStatus.METHOD_NOT_ALLOWED)
    if (refused := _refused(scope, claims, name, ACTION[method])) is not None or claims is None:
        return refused
    return await _dispatch(Call(scope, receive, to, name, found["what"], found["rest"], claims))


async def _dispatch(call: Call) -> Reply | None:
    if call.what == "manifests":
        return await manifests.serve(call)
    if call.what == "tags":
        return await listing.tags(call)
    if call.what == "referrers":
        return await listing.referrers(call)
    if call.method not in {"GET", "HEAD"}:
        await holders.refuse_held()
    elif (answer := await fetching.fetched(call)) is not False:
        return None if answer is True else answer
    return await passed(call, _without_foreign_mount(call))


def _claims(scope: Scope) -> Claims | None:
    value = next((value for name, value in scope["headers"] if name == b"authorization"), b"").decode("latin-1")
    scheme, _space, token = value.partition(" ")
    return signing.read(token.strip()) if scheme.lower() == "bearer" else None


def _refused(scope: Scope, claims: Claims | None, name: Name, action: str) -> Reply | None:
    """Return the answer to who may not: a challenge to sign in, or, once that is done, a plain no.

    A token has all that its holder may do, so asking again would not help. What one may not see is not there, and
    what is not there may not be pushed to: the answers are the same.
    """
    wanted = {"pull": "pull", "push": "pull,push", "delete": "delete"}[action]
    if claims is None:
        return challenge(scope, str(name), wanted, insufficient=False)
    if claims.may(action, str(name)):
        return None
    if str(name) not in claims.access or claims.kind == "nobody":
        return challenge(scope, str(name), wanted, insufficient=True)
    if action == "pull":
        return error("NAME_UNKNOWN", f"There is no repository {name} for you.", HTTPStatus.NOT_FOUND)
    return error("DENIED", f"You may not {action} in {name}.", HTTPStatus.FORBIDDEN)


def _without_foreign_mount(call: Call) -> str:
    """Return the query for the registry: mounting from where the token may not pull becomes an ordinary upload."""
    query = call.query
    if "mount" not in query or call.claims.may("pull", query.get("from", "")):
        return str(call.scope["query_string"].decode("latin-1"))
    return urlencode({key: value for key, value in query.items() if key not in {"mount", "from"}})
