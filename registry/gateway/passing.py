"""Pass blobs on to the registry as they come, and its answer back."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

from registry.gateway.replies import Headers, Receive, Reply, Send
from registry.gateway.upstream import HOP, Answer, Gone, Request, answered

if TYPE_CHECKING:
    from registry.gateway.app import Call

CARRYING: Final = frozenset({"PUT", "POST", "PATCH"})
DROPPED: Final = HOP - {b"content-length"} | {b"x-content-type-options"}


async def passed(call: "Call", query: str) -> Reply | None:
    """Pass a request on and stream what comes back. Raises Unavailable, Gone."""
    target = str(call.scope["raw_path"].decode("latin-1")).partition("?")[0] + (f"?{query}" if query else "")
    length = call.header(b"content-length")
    bodied = call.method in CARRYING and (length not in {"", "0"} or bool(call.header(b"transfer-encoding")))
    request = Request(
        call.method,
        target,
        list(call.scope["headers"]),
        incoming(call.receive) if bodied else None,
        int(length) if length.isdigit() else None,
    )
    async with answered(request) as answer:
        await outgoing(answer, call.send)
    return None


async def incoming(receive: Receive) -> AsyncIterator[bytes]:
    """Yield a request's body as it comes. Raises Gone when the client leaves in the middle."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        yield message.get("body", b"")
        if not message.get("more_body"):
            return


async def outgoing(answer: Answer, to: Send, extra: Headers | None = None) -> None:
    """Send the registry's answer on."""
    headers = [(name, value) for name, value in answer.headers if name not in DROPPED]
    await to({"type": "http.response.start", "status": answer.status, "headers": [*headers, *(extra or [])]})
    async for piece in answer.pieces:
        await to({"type": "http.response.body", "body": piece, "more_body": True})
    await to({"type": "http.response.body", "body": b""})
