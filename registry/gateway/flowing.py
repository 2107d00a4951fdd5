"""Move bytes into a socket inside the kernel, so that none are copied by us.

From another socket by splice(2) through a pipe, from a file by sendfile(2).
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
    at = 0
    try:
        async with asyncio.timeout(IDLE_SECONDS) as patience:
            while at < size:
                try:
                    moved = os.sendfile(target.fileno(), file, at, min(size - at, AT_ONCE))
                except BlockingIOError:
                    await _ready(target.fileno(), reads=False)
                    continue
                if not moved:
                    raise Dry
                at += moved
                _renew(patience)
                await asyncio.sleep(0)  # a fast client must not keep the others waiting
    except (OSError, TimeoutError):
        raise Stuck from None


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
