"""Connections to the registry as plain sockets: whole buffers at a time, and kept for the next request.

Streams and transports copy each piece several times, and a new connection for each request costs as much as a small
layer. What is kept here has been read and written to the end of its last answer, so nothing of it can be taken for
the next one's.
"""

import asyncio
import socket
from collections import deque
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

PIECE: Final = 256 * 1024
KEPT: Final = 16
CONNECT_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 120.0
"""For which one side may say nothing: storage that flushes a large layer is silent meanwhile."""
_kept: deque["Wire"] = deque()


class Gone(Exception):
    """The client has gone, or says nothing any more, before all was said."""


class Wire:
    """A connection with a buffer of its own: what `some` returns is good until the next call."""

    __slots__ = ("_end", "_start", "_view", "address", "sock")

    def __init__(self, sock: socket.socket, address: tuple[str, int]) -> None:
        self.sock, self.address = sock, address
        self._view = memoryview(bytearray(PIECE))
        self._start = self._end = 0

    async def send(self, data: bytes | memoryview) -> None:
        """Send all of it. Raises OSError, TimeoutError."""
        await sent(self.sock, data)

    async def until(self, mark: bytes, most: int, patience: float | None = IDLE_SECONDS) -> bytes:
        """Return what comes up to and with a mark. Raises OSError, EOFError, ValueError (longer), TimeoutError."""
        found = bytearray()
        while (at := found.find(mark)) < 0:
            if len(found) > most:
                raise ValueError("too long")
            if not (piece := await self.some(PIECE, patience)):
                raise EOFError
            found += piece
        at += len(mark)
        self._start -= len(found) - at  # what is behind the mark came with the last piece, and is still there
        return bytes(found[:at])

    async def some(self, most: int, patience: float | None = IDLE_SECONDS) -> memoryview:
        """Return at least one byte and at most so many; nothing at the end. Raises OSError, TimeoutError."""
        if self._start == self._end:
            self._start = 0
            async with asyncio.timeout(patience):
                self._end = await asyncio.get_running_loop().sock_recv_into(self.sock, self._view)
        taken = self._view[self._start : min(self._end, self._start + most)]
        self._start += len(taken)
        return taken

    async def exactly(self, size: int) -> bytes:
        """Return so many bytes. Raises OSError, EOFError, TimeoutError."""
        found = b""
        while len(found) < size:
            if not (piece := await self.some(size - len(found))):
                raise EOFError
            found += piece
        return found

    @property
    def held(self) -> bool:
        """Whether something has been read that nobody has taken yet."""
        return self._start != self._end

    @property
    def quiet(self) -> bool:
        """Whether it is open, with nothing come that nobody asked for."""
        if self.held:
            return False
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def keep(self) -> None:
        """Leave it for the next request: the last answer has been read to its end."""
        if len(_kept) < KEPT and self.quiet:
            _kept.append(self)
        else:
            self.close()

    def close(self) -> None:
        self.sock.close()


async def sent(sock: socket.socket, data: bytes | memoryview) -> None:
    """Send all of it; a timer is only made where it does not go at once. Raises OSError, TimeoutError."""
    try:
        done = sock.send(data)
    except BlockingIOError:
        done = 0
    if done < len(data):
        async with asyncio.timeout(IDLE_SECONDS):
            await asyncio.get_running_loop().sock_sendall(sock, memoryview(data)[done:])


async def connect() -> Wire:
    """Return a connection to the registry, kept or new. Raises OSError, TimeoutError."""
    parts = urlsplit(settings.REGISTRY_URL)
    address = (parts.hostname or "", parts.port or 80)
    while _kept:
        wire = _kept.pop()
        if wire.address == address and wire.quiet:
            return wire
        wire.close()
    return Wire(await _connected(address), address)


async def _connected(address: tuple[str, int]) -> socket.socket:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_SECONDS):
        found = await loop.getaddrinfo(*address, type=socket.SOCK_STREAM)
        for family, kind, protocol, _name, to in found[:-1]:
            try:
                return await _opened(socket.socket(family, kind, protocol), to)
            except OSError:
                continue
        family, kind, protocol, _name, to = found[-1]
        return await _opened(socket.socket(family, kind, protocol), to)


async def _opened(sock: socket.socket, to: object) -> socket.socket:
    sock.settimeout(0)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, to)  # type: ignore[arg-type]
    except BaseException:
        sock.close()
        raise
    return sock
