"""Pass a request on to the registry behind, and its answer back, piece by piece: memory stays small, whatever the size.

HTTP/1.1, one request after the other on a connection. The answer is read while the body is still being sent: a
registry that refuses early is heard, and the rest of the body is not waited for.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import urlsplit

from django.conf import settings

from pks_portal.errors import Unavailable
from registry.gateway.replies import Headers
from registry.gateway.server import Line
from registry.gateway.wire import IDLE_SECONDS, PIECE, Gone, Wire, connect

LARGEST_HEAD: Final = 64 * 1024
HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-authorization", b"proxy-connection", b"te", b"trailer", b"transfer-encoding"}
    | {b"upgrade", b"expect", b"content-length", b"host"}
)
EMPTY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class Pouring(Protocol):
    """A body that flows into a socket by itself. Raises Gone (its own side ends early), OSError."""

    async def pour(self, target: socket.socket) -> None: ...


Body = AsyncGenerator[bytes | memoryview, None] | Pouring


@dataclass(slots=True)
class Answer:
    """What the registry answers. `length`: bytes of its body; None: not said ahead."""

    status: int
    headers: Headers
    wire: Wire = field(repr=False)
    length: int | None
    ended: bool = False

    def header(self, name: bytes) -> str:
        """Return a header's value; empty where it is not there."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")

    async def pieces(self) -> AsyncIterator[memoryview]:
        """Yield what is left of the body; a piece is good until the next is asked for.

        Raises OSError, EOFError, TimeoutError.
        """
        if self.ended:
            return
        left = self.length
        chunked = left is None and self.header(b"transfer-encoding").lower() == "chunked"
        async for piece in _chunks(self.wire) if chunked else _plain(self.wire, left):
            yield piece
        self.ended = True

    async def pour(self, line: Line, sock: socket.socket) -> None:
        """Let a body whose length is known flow to the client. Raises Gone, OSError, EOFError, TimeoutError."""
        left = self.length or 0
        while left and self.wire.held:
            piece = await self.wire.some(left)
            await line.write(sock, piece)
            left -= len(piece)
        await line.pour(self.wire.sock, sock, left)
        self.ended = True

    @property
    def reusable(self) -> bool:
        """Whether another request may follow on the connection."""
        framed = self.length is not None or bool(self.header(b"transfer-encoding"))
        return self.ended and framed and "close" not in self.header(b"connection").lower()

    async def read(self, most: int) -> bytes:
        """Return the whole body. Raises Unavailable when it is larger than `most` bytes."""
        found = b""
        async for piece in self.pieces():
            found += piece
            if len(found) > most:
                raise _silent("too large an answer")
        return found


async def _plain(wire: Wire, left: int | None) -> AsyncIterator[memoryview]:
    while left is None or left > 0:
        if not (piece := await wire.some(PIECE if left is None else left)):
            if left:
                raise EOFError
            return
        left = None if left is None else left - len(piece)
        yield piece


async def _chunks(wire: Wire) -> AsyncIterator[memoryview]:
    while left := int((await wire.until(b"\r\n", LARGEST_HEAD)).split(b";")[0], 16):
        async for piece in _plain(wire, left):
            yield piece
        await wire.exactly(2)
    while await wire.until(b"\r\n", LARGEST_HEAD) != b"\r\n":
        pass  # trailers


@dataclass(frozen=True, slots=True)
class Request:
    """What is passed on. `length` None: not known ahead, sent in chunks."""

    method: str
    target: str
    headers: Headers
    body: Body | None = None
    length: int | None = None


@asynccontextmanager
async def answered(request: Request) -> AsyncIterator[Answer]:
    """Send a request and yield the answer while the rest of the body may still be under way. Raises Unavailable.

    The connection is kept where both the body and the answer came to their ends, and closed otherwise.
    """
    sending: asyncio.Task[None] | None = None
    wire, answer = await _connect(), None
    try:
        await wire.send(_head(request))
        sending = asyncio.ensure_future(_send_body(request, wire)) if request.body is not None else None
        answer = await _answer(request, wire, sending)
        yield answer
    except (OSError, EOFError, ValueError, TimeoutError) as error:
        raise _silent(type(error).__name__) from error
    finally:
        sent = sending is None or await _ended(sending)
        wire.keep() if sent and answer is not None and answer.reusable else wire.close()


async def _ended(sending: "asyncio.Task[None]") -> bool:
    """Say whether the whole body has gone; stop it where the answer did not wait for it."""
    if not sending.done():
        sending.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await sending
    return not sending.cancelled() and sending.exception() is None


async def _connect() -> Wire:
    try:
        return await connect()
    except (OSError, TimeoutError) as error:
        raise _silent(type(error).__name__) from error


def _head(request: Request) -> bytes:
    lines = [f"{request.method} {request.target} HTTP/1.1".encode("latin-1")]
    lines += [name + b": " + value for name, value in request.headers if name not in HOP]
    lines += [b"host: " + urlsplit(settings.REGISTRY_URL).netloc.encode()]
    if request.body is not None:
        lines.append(
            b"transfer-encoding: chunked" if request.length is None else b"content-length: %d" % request.length
        )
    elif request.method in {"POST", "PUT", "PATCH"}:
        lines.append(b"content-length: 0")
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def _send_body(request: Request, wire: Wire) -> None:
    if request.body is None:
        return
    if not isinstance(request.body, AsyncGenerator):
        await request.body.pour(wire.sock)
        return
    async with aclosing(request.body) as pieces:
        async for piece in pieces:
            if piece and request.length is None:
                await wire.send(b"".join((b"%x\r\n" % len(piece), piece, b"\r\n")))
            elif piece:
                await wire.send(piece)
    if request.length is None:
        await wire.send(b"0\r\n\r\n")


async def _answer(request: Request, wire: Wire, sending: "asyncio.Task[None] | None") -> Answer:
    """Read status and headers; a body that cannot be sent is no error as long as there is an answer.

    While the body is under way the registry may be silent; once it has gone, only for so long.
    """
    if sending is None:
        status, headers = await _heading(wire, IDLE_SECONDS)
    else:
        heading = asyncio.ensure_future(_heading(wire, None))
        await asyncio.wait({heading, sending}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done() and isinstance(sending.exception(), Gone):
            heading.cancel()
            raise Gone
        status, headers = await asyncio.wait_for(heading, IDLE_SECONDS)
    return Answer(status, headers, wire, _length(request.method, status, headers))


async def _heading(wire: Wire, patience: float | None) -> tuple[int, Headers]:
    while True:
        raw = await wire.until(b"\r\n\r\n", LARGEST_HEAD, patience)
        first, *lines = raw[:-4].split(b"\r\n")
        status = int(first.split(b" ", 2)[1])
        if status >= HTTPStatus.OK:  # not one of the "100 Continue" kind
            break
    headers = [
        (name.strip().lower(), value.strip()) for name, _colon, value in (line.partition(b":") for line in lines)
    ]
    return status, headers


def _length(method: str, status: int, headers: Headers) -> int | None:
    """Return how many bytes follow (RFC 9112, 6.3); None: in chunks, or until the connection ends."""
    named = dict(headers)
    if method == "HEAD" or status in EMPTY:
        return 0
    if b"transfer-encoding" in named:
        return None
    return int(named[b"content-length"]) if b"content-length" in named else None


def _silent(cause: str) -> Unavailable:
    return Unavailable("error.registry_silent", system="registry", cause=cause)


async def ask(request: Request, most: int) -> tuple[int, Headers, bytes]:
    """Send a request and return status, headers and the whole body of at most `most` bytes. Raises Unavailable."""
    async with answered(request) as answer:
        return answer.status, answer.headers, await answer.read(most)


async def whole(body: bytes) -> AsyncGenerator[bytes, None]:
    """Return a body that is there already as one that comes."""
    yield body
