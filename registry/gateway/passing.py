"""Pass blobs on to the registry as they come, and its answer back: with the client's own socket where that is there."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final

from registry.gateway.replies import Headers, Receive, Reply, Send
from registry.gateway.server import EXTENSION, Line
from registry.gateway.upstream import HOP, Answer, Body, Request, answered
from registry.gateway.wire import Gone

if TYPE_CHECKING:
    from registry.gateway.app import Call

CARRYING: Final = frozenset({"PUT", "POST", "PATCH"})
DROPPED: Final = HOP - {b"content-length"} | {b"x-content-type-options"}
LARGE: Final = 64 * 1024


async def passed(call: "Call", query: str) -> Reply | None:
    """Pass a request on and stream what comes back. Raises Unavailable, Gone."""
    target = str(call.scope["raw_path"].decode("latin-1")).partition("?")[0] + (f"?{query}" if query else "")
    length = call.header(b"content-length")
    bodied = call.method in CARRYING and (length not in {"", "0"} or bool(call.header(b"transfer-encoding")))
    size = int(length) if length else None
    body = _body(call, size) if bodied else None
    async with answered(Request(call.method, target, list(call.scope["headers"]), body, size)) as answer:
        await _out(answer, call)
    return None


def line_of(call: "Call") -> Line | None:
    """Return the client's own line, where the server gives one."""
    line: Line | None = call.scope.get("extensions", {}).get(EXTENSION, {}).get("line")
    return line


def _body(call: "Call", size: int | None) -> Body:
    line = line_of(call)
    if line is not None and size is not None and size > LARGE and line.free:
        return line.body(size)
    return incoming(call.receive)


async def incoming(receive: Receive) -> AsyncGenerator[bytes, None]:
    """Yield a request's body as it comes. Raises Gone when the client leaves in the middle."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def _out(answer: Answer, call: "Call") -> None:
    line = line_of(call)
    if line is None or not answer.length or answer.length < LARGE:
        await outgoing(answer, call.send)
        return
    await call.send(_start(answer))
    if await line.ready():
        with line.open() as sock:
            await answer.pour(line, sock)
    await _rest(answer, call.send)


async def outgoing(answer: Answer, to: Send, extra: Headers | None = None) -> None:
    """Send the registry's answer on."""
    await to(_start(answer, extra))
    await _rest(answer, to)


def _start(answer: Answer, extra: Headers | None = None) -> dict[str, object]:
    headers = [(name, value) for name, value in answer.headers if name not in DROPPED]
    return {"type": "http.response.start", "status": answer.status, "headers": [*headers, *(extra or [])]}


async def _rest(answer: Answer, to: Send) -> None:
    """Send what has not been read yet; a piece is copied, since the server may keep it for a while."""
    async for piece in answer.pieces():
        await to({"type": "http.response.body", "body": bytes(piece), "more_body": True})
    await to({"type": "http.response.body", "body": b""})
