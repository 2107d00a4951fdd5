"""uvicorn's protocol with a way past ASGI for large bodies: `--http registry.gateway.server:Protocol`.

uvicorn parses, queues and answers as always; nothing of what a request is or may do is decided here. But each request
brings a `Line` along (an ASGI extension), by which the rest of a body that has a Content-Length, and an answer's body,
flow between the client's own socket and the registry's. Under ASGI each piece would be copied six times and would wait
for a turn of the event loop three times. Not over TLS, which would have to be spoken first.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from registry.gateway.flowing import Dry, Stuck, flow, read_out
from registry.gateway.wire import PIECE, Gone, sent

EXTENSION: Final = "pks.line"
LINGER_SECONDS: Final = 30.0
"""For which a body that nobody wants is still read, so that the client sees the refusal instead of a broken line."""
TURNS: Final = 3


class Line:
    """The client's socket during one request, beside uvicorn's own transport, which is at rest meanwhile."""

    def __init__(self, protocol: "Protocol") -> None:
        self._protocol, self._scope = protocol, protocol.scope
        self._answering: RequestResponseCycle | None = None

    def body(self, length: int) -> "Coming":
        """Return a request's body of so many bytes, to be poured on."""
        return Coming(self, length)

    @asynccontextmanager
    async def taken(self, length: int) -> AsyncIterator["Rest"]:
        """Yield a request's body, past uvicorn. Raises Gone.

        A body that is not read to its end ends the connection, after the answer.
        """
        cycle, protocol = self._protocol.cycle, self._protocol
        protocol.flow.pause_reading()
        kept, cycle.keep_alive = cycle.keep_alive, False
        first, cycle.body = bytes(cycle.body), bytearray()
        if cycle.waiting_for_100_continue:
            cycle.waiting_for_100_continue = False
            protocol.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        rest = Rest(_beside(protocol.transport), first, length - len(first))
        try:
            yield rest
            if not cycle.disconnected:
                cycle.keep_alive, cycle.more_body = kept, False
                protocol.anew()
        except Gone:
            self._leave(cycle)
            raise
        finally:
            rest.end(protocol.tasks)

    async def ready(self) -> bool:
        """Say whether an answer's body may be written here: its head has gone out, and nothing is queued."""
        self._answering = self._cycle  # kept: another request may come before this one is answered
        for _ in range(TURNS):
            if self._cycle is None or self._protocol.transport.is_closing():
                return False
            if not self._protocol.transport.get_write_buffer_size():
                return True
            await asyncio.sleep(0)
        return False

    def open(self) -> socket.socket:
        """Return a socket to write to; the caller closes it."""
        return _beside(self._protocol.transport)

    async def write(self, sock: socket.socket, piece: memoryview) -> None:
        """Write a piece of the answer's body. Raises Gone."""
        try:
            await sent(sock, piece)
        except (OSError, TimeoutError):
            raise self._gone() from None
        self._written(len(piece))

    async def pour(self, source: socket.socket, sock: socket.socket, size: int) -> None:
        """Let so many bytes of the answer's body flow from a socket. Raises Gone, EOFError (the source has ended)."""
        try:
            await flow(source, sock, size)
        except Stuck:
            raise self._gone() from None
        except Dry:
            raise EOFError from None
        self._written(size)

    async def read_out(self, file: int, sock: socket.socket, size: int) -> None:
        """Send so many bytes of a file as the answer's body. Raises Gone."""
        try:
            await read_out(file, sock, size)
        except (Dry, Stuck):
            raise self._gone() from None
        self._written(size)

    @property
    def free(self) -> bool:
        """Whether the request is the one that the connection is at, with more of its body to come."""
        return self._cycle is not None and self._cycle.more_body and not self._cycle.disconnected

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        cycle = self._protocol.cycle
        return cycle if cycle is not None and cycle.scope is self._scope else None

    def _written(self, size: int) -> None:
        if self._answering is not None:
            self._answering.expected_content_length -= size

    def _gone(self) -> Gone:
        self._leave(self._answering or self._protocol.cycle)
        return Gone()

    def _leave(self, cycle: RequestResponseCycle) -> None:
        cycle.disconnected = True
        self._protocol.transport.abort()


@dataclass(frozen=True, slots=True)
class Coming:
    """A request's body that has yet to come."""

    line: Line
    length: int

    async def pour(self, target: socket.socket) -> None:
        """Let all of it flow into a socket. Raises Gone (the client), OSError (the target)."""
        async with self.line.taken(self.length) as rest:
            await rest.pour(target)


class Rest:
    """What is still to come of a body, on a socket of its own, behind what has come."""

    def __init__(self, sock: socket.socket, first: bytes, left: int) -> None:
        self.sock, self.first, self.left, self.gone = sock, first, left, False

    async def pour(self, target: socket.socket) -> None:
        """Let all of it flow into a socket. Raises Gone (the client), OSError (the target)."""
        if self.first:
            await sent(target, self.first)
        try:
            await flow(self.sock, target, self.left)
        except Dry:
            self.gone = True
            raise Gone from None
        except Stuck:
            raise ConnectionError from None
        self.left = 0

    def end(self, tasks: set[Any]) -> None:
        """Close the socket; where there is more to come than anybody wants, when it has come."""
        if not self.left or self.gone:
            self.sock.close()
            return
        lingering = asyncio.get_running_loop().create_task(self._linger())
        tasks.add(lingering)
        lingering.add_done_callback(tasks.discard)

    async def _linger(self) -> None:
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                view = memoryview(bytearray(PIECE))
                while await asyncio.get_running_loop().sock_recv_into(self.sock, view):
                    pass
        except (OSError, TimeoutError):
            pass
        finally:
            self.sock.close()


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, and a line with each request."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self.scheme == "http":
            self.scope["extensions"] = {EXTENSION: {"line": Line(self)}}

    def anew(self) -> None:
        """Expect a new request: the body of the last was read beside the parser."""
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does


def _beside(transport: asyncio.Transport) -> socket.socket:
    """Return the connection's socket under a number of its own, since the event loop guards the transport's."""
    own = transport.get_extra_info("socket").dup()
    own.settimeout(0)
    return own  # type: ignore[no-any-return]
