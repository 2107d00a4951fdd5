"""Pass a request on to the registry behind, and its answer back, piece by piece: memory stays small, whatever the size.

HTTP/1.1 over one connection a request. The answer is read while the body is still being sent: a registry that refuses
early is heard, and the rest of the body is not waited for.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from pks_portal.errors import Unavailable
from registry.gateway.replies import Headers

PIECE: Final = 256 * 1024
CONNECT_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 120.0
"""For which one side may say nothing: storage that flushes a large layer is silent meanwhile."""
LARGEST_HEAD: Final = 64 * 1024
HOP: Final = frozenset(
    {b"connection", b"keep-alive", b"proxy-authorization", b"proxy-connection", b"te", b"trailer", b"transfer-encoding"}
    | {b"upgrade", b"expect", b"content-length", b"host"}
)
EMPTY: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
Body = AsyncIterator[bytes]


@dataclass(slots=True)
class Answer:
    """What the registry answers: `pieces` yields its body."""

    status: int
    headers: Headers
    pieces: Body = field(repr=False)

    def header(self, name: bytes) -> str:
        """Return a header's value; empty where it is not there."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")

    async def read(self, most: int) -> bytes:
        """Return the whole body. Raises Unavailable when it is larger than `most` bytes."""
        parts, size = [], 0
        async for piece in self.pieces:
            parts.append(piece)
            size += len(piece)
            if size > most:
                raise _silent("too large an answer")
        return b"".join(parts)


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
    """Send a request and yield the answer while the rest of the body may still be under way. Raises Unavailable."""
    reader, writer = await _connect()
    sending: asyncio.Task[None] | None = None
    try:
        writer.write(_head(request))
        sending = asyncio.ensure_future(_send_body(request, writer)) if request.body is not None else None
        answer = await _answer(request, reader, sending)
        yield answer
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError) as error:
        raise _silent(type(error).__name__) from error
    finally:
        if sending is not None and not sending.done():
            sending.cancel()
        if sending is not None:
            with suppress(asyncio.CancelledError, OSError, TimeoutError):
                await sending
        writer.transport.abort() if sending is not None and sending.cancelled() else writer.close()


async def _connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(settings.REGISTRY_URL)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncio.open_connection(parts.hostname, parts.port, limit=2 * PIECE)
    except (OSError, TimeoutError) as error:
        raise _silent(type(error).__name__) from error


def _head(request: Request) -> bytes:
    lines = [f"{request.method} {request.target} HTTP/1.1".encode("latin-1")]
    lines += [name + b": " + value for name, value in request.headers if name not in HOP]
    lines += [b"host: " + urlsplit(settings.REGISTRY_URL).netloc.encode(), b"connection: close"]
    if request.body is not None:
        lines.append(
            b"transfer-encoding: chunked" if request.length is None else b"content-length: %d" % request.length
        )
    elif request.method in {"POST", "PUT", "PATCH"}:
        lines.append(b"content-length: 0")
    return b"\r\n".join(lines) + b"\r\n\r\n"


async def _send_body(request: Request, writer: asyncio.StreamWriter) -> None:
    if request.body is None:
        return
    async for piece in request.body:
        if piece:
            writer.writelines((b"%x\r\n" % len(piece), piece, b"\r\n") if request.length is None else (piece,))
            async with asyncio.timeout(IDLE_SECONDS):
                await writer.drain()
    if request.length is None:
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _answer(request: Request, reader: asyncio.StreamReader, sending: asyncio.Task[None] | None) -> Answer:
    """Read status and headers; a body that cannot be sent is no error as long as there is an answer."""
    heading = asyncio.ensure_future(_heading(reader))
    if sending is not None:
        await asyncio.wait({heading, sending}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done() and isinstance(sending.exception(), Gone):
            heading.cancel()
            raise Gone
    try:
        status, headers = await asyncio.wait_for(heading, None if sending and not sending.done() else IDLE_SECONDS)
    except TimeoutError:
        raise _silent("silence") from None
    return Answer(status, headers, _pieces(request.method, status, headers, reader))


class Gone(Exception):
    """The client has gone before its body was whole."""


async def _heading(reader: asyncio.StreamReader) -> tuple[int, Headers]:
    while True:
        raw = await reader.readuntil(b"\r\n\r\n")
        first, *lines = raw[:-4].split(b"\r\n")
        status = int(first.split(b" ", 2)[1])
        if status >= HTTPStatus.OK:  # not one of the "100 Continue" kind
            break
    headers = [
        (name.strip().lower(), value.strip()) for name, _colon, value in (line.partition(b":") for line in lines)
    ]
    return status, headers


async def _pieces(method: str, status: int, headers: Headers, reader: asyncio.StreamReader) -> Body:
    """Yield a body as RFC 9112, 6.3 frames it."""
    if method == "HEAD" or status in EMPTY:
        return
    named = dict(headers)
    if named.get(b"transfer-encoding", b"").lower() == b"chunked":
        async for piece in _chunks(reader):
            yield piece
        return
    left = int(named[b"content-length"]) if b"content-length" in named else None
    while left is None or left > 0:
        async with asyncio.timeout(IDLE_SECONDS):
            piece = await reader.read(PIECE if left is None else min(PIECE, left))
        if not piece:
            if left:
                raise asyncio.IncompleteReadError(b"", left)
            return
        left = None if left is None else left - len(piece)
        yield piece


async def _chunks(reader: asyncio.StreamReader) -> Body:
    while size := int((await reader.readline()).split(b";")[0], 16):
        yield await reader.readexactly(size)
        await reader.readexactly(2)


def _silent(cause: str) -> Unavailable:
    return Unavailable("error.registry_silent", system="registry", cause=cause)


async def ask(request: Request, most: int) -> tuple[int, Headers, bytes]:
    """Send a request and return status, headers and the whole body of at most `most` bytes. Raises Unavailable."""
    async with answered(request) as answer:
        return answer.status, answer.headers, await answer.read(most)


async def whole(body: bytes) -> Body:
    """Return a body that is there already as one that comes."""
    yield body
