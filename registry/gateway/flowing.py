"""Move bytes into a socket as fast as it takes them.

From another socket inside the kernel, by splice(2) through a pipe. From a file through a small buffer: sendfile(2)
saves us a copy that the receiver then makes alone, on the core that has most to do already.
"""

import asyncio
import fcntl
import os
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from registry.gateway.wire import IDLE_SECONDS

AT_ONCE: Final = 512 * 1024
"""Bytes that a pipe holds: at most 1 MiB is allowed to everybody, and 64 MiB to all pipes of a user."""
PIECE_OF_FILE: Final = 128 * 1024
WORTHWHILE: Final = 64 * 1024
"""Bytes that are waited for, unless it ends before: who sends less in `IDLE_SECONDS` is given up."""
KEPT: Final = 16
FLAGS: Final = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK
_kept: deque[tuple[int, int]] = deque()


class Dry(Exception):
    """The one who sends has ended, or has been silent for too long, before all came."""


class Stuck(Exception):
    """The one who receives has gone, or takes nothing any more."""


async def flow(source: socket.socket, target: socket.socket, size: int) -> None:
    """Move so many bytes. Raises Dry, Stuck."""
    held = 0
    with _pipe() as (read, write):
        try:
            async with asyncio.timeout(IDLE_SECONDS) as patience:
                while size:
                    # fewer, larger pieces: each costs three processes a turn
                    source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, min(size, WORTHWHILE))
                    held = await _moved(source.fileno(), write, min(size, AT_ONCE), source.fileno())
                    if not held:
                        raise Dry
                    size -= held
                    while held:
                        held -= await _moved(read, target.fileno(), held, target.fileno())
                    _renew(patience)
                source.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        except (OSError, TimeoutError):
            raise (Stuck if held else Dry) from None


async def read_out(file: int, target: socket.socket, size: int) -> None:
    """Move so many bytes of a file from its beginning. Raises Dry (it has fewer), Stuck."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(IDLE_SECONDS) as patience:
            going = _File(file, target, size, patience)
            going.some()
            loop.add_writer(target, going.some)
            try:
                await going.ended
            finally:
                loop.remove_writer(target)
    except (OSError, TimeoutError):
        raise Stuck from None


class _File:
    """A file on its way into a socket: a piece each time that there is room, right from the event loop.

    A task's turn for each piece would cost as much as the piece.
    """

    def __init__(self, file: int, target: socket.socket, size: int, patience: asyncio.Timeout) -> None:
        self.file, self.target, self.left, self.patience = file, target, size, patience
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.room = memoryview(bytearray(min(size, PIECE_OF_FILE)))
        self.held, self.at = self.room[:0], 0

    def some(self) -> None:
        """Send what goes now; `ended` once all has gone, or cannot."""
        if self.ended.done():
            return
        try:
            self._send()
        except BlockingIOError:
            return
        except (OSError, Dry) as error:
            self.ended.set_exception(error)
        if not self.left:
            self.ended.set_result(None)
        _renew(self.patience)

    def _send(self) -> None:
        if not self.held:
            read = os.preadv(self.file, [self.room[: self.left]], self.at)
            if not read:
                raise Dry
            self.held, self.at = self.room[:read], self.at + read
        sent = self.target.send(self.held)
        self.held, self.left = self.held[sent:], self.left - sent


def _renew(patience: asyncio.Timeout) -> None:
    """Begin to wait anew, now and then: a timer for each piece would cost as much as moving it."""
    soon = asyncio.get_running_loop().time() + IDLE_SECONDS
    if soon - (patience.when() or 0) > IDLE_SECONDS / 4:
        patience.reschedule(soon)


async def _moved(source: int, target: int, most: int, sock: int) -> int:
    """Move what can be moved, once there is something or some room; `sock` is which of the two may not be ready."""
    while True:
        try:
            return os.splice(source, target, most, flags=FLAGS)
        except BlockingIOError:
            await _ready(sock, reads=sock == source)


async def _ready(sock: int, *, reads: bool) -> None:
    loop = asyncio.get_running_loop()
    add, remove = (loop.add_reader, loop.remove_reader) if reads else (loop.add_writer, loop.remove_writer)
    ready: asyncio.Future[None] = loop.create_future()
    add(sock, _set, ready)
    try:
        await ready
    finally:
        remove(sock)


def _set(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    """Yield a pipe's ends; one that was used to the end is empty, and kept."""
    ends = _kept.pop() if _kept else _opened()
    try:
        yield ends
    except BaseException:
        _close(ends)
        raise
    if len(_kept) < KEPT:
        _kept.append(ends)
    else:
        _close(ends)


def _opened() -> tuple[int, int]:
    ends = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    with suppress(OSError):  # too many pipes of this user: a small one does, too
        fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, AT_ONCE)
    return ends


def _close(ends: tuple[int, int]) -> None:
    for end in ends:
        os.close(end)
