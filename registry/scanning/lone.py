"""A network in which only one address is: for a program that must reach the registry, and nothing else.

A new network namespace with nothing but a loopback device. We listen there and pass on what comes: a socket stays in
the namespace in which it was made, wherever the process is that uses it. Linux, as root (unshare(2), namespaces(7)).
"""

import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import Final

CLONE_NEWNET: Final = 0x40000000
SIOCSIFFLAGS: Final = 0x8914
IFF_UP: Final = 1
PIECE: Final = 256 * 1024
SECONDS: Final = 10.0
_libc = ctypes.CDLL(None, use_errno=True)


@contextmanager
def network(host: str, port: int) -> Iterator[int]:
    """Yield a network namespace, open, in which an address is to be found at 127.0.0.1 and its port. Raises OSError."""
    listener, namespace = _made(port)
    serving = threading.Thread(target=_serve, args=(listener, (host, port)), daemon=True)
    serving.start()
    try:
        yield namespace
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # which wakes who accepts
        serving.join()
        listener.close()
        os.close(namespace)


def _made(port: int) -> tuple[socket.socket, int]:
    """Return a listening socket in a new namespace, and the namespace. A thread goes there, and ends."""
    made: SimpleQueue[tuple[socket.socket, int] | OSError] = SimpleQueue()

    def make() -> None:
        try:
            made.put(_within(port))
        except OSError as error:
            made.put(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    found = made.get()
    if isinstance(found, OSError):
        raise found
    return found


def _within(port: int) -> tuple[socket.socket, int]:
    if _libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "no network namespace can be made")
    listener = socket.socket()
    try:
        fcntl.ioctl(listener, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
        listener.bind(("127.0.0.1", port))
        listener.listen()
        return listener, os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        listener.close()
        raise


def _serve(listener: socket.socket, address: tuple[str, int]) -> None:
    with suppress(OSError):
        while True:
            threading.Thread(target=_pass_on, args=(listener.accept()[0], address), daemon=True).start()


def _pass_on(client: socket.socket, address: tuple[str, int]) -> None:
    with client, suppress(OSError), socket.create_connection(address, SECONDS) as behind:
        behind.settimeout(None)
        back = threading.Thread(target=_pump, args=(behind, client), daemon=True)
        back.start()
        _pump(client, behind)
        back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(PIECE):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
