"""When one side refuses, leaves, stops or is silent: the other hears of it, and the gateway holds little meanwhile."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from pks_portal.default_set.processes import memory
from registry.gateway import holders, wire
from registry.tokens.signing import Claims
from tests.real.running import until
from tests.registry.gateway.talking import MIB, Client, random, reset

pytestmark = pytest.mark.real
Before = Callable[[int], Client]
REFUSAL = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 7\r\nWww-Authenticate: Bearer\r\n\r\nrefused"


@contextmanager
def acting(act: Callable[[socket.socket], None]) -> Iterator[int]:
    """Be a registry that does this with its first connection; yield the port, and wait for the deed at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def once() -> None:
            with suppress(ConnectionError):
                sock, _ = listener.accept()
                sock.settimeout(20)
                with sock:
                    act(sock)

        thread = threading.Thread(target=once)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join(20)
            assert not thread.is_alive()


def heading(sock: socket.socket) -> bytes:
    found = b""
    while b"\r\n\r\n" not in found:
        found += sock.recv(1)
    return found


def test_a_refusal_amid_the_body_reaches_the_client_though_the_line_breaks(before: Before) -> None:
    def refuse(sock: socket.socket) -> None:
        heading(sock)
        sock.recv(1000)
        sock.sendall(REFUSAL)
        reset(sock)

    with acting(refuse) as port, before(port) as client:
        size = 64 * MIB
        client.sock.sendall(client.head("PATCH", "uploads/x", Content_Length=str(size)))
        client.sock.sendall(bytes(size))  # as clients do that look for an answer only when all is sent
        answer = client.answer()
        assert answer.status in {401, 503}  # what comes with a reset may be lost before anybody could read it
        assert answer.headers["connection"] == "close"


def test_a_refusal_comes_before_the_body_is_whole(before: Before) -> None:
    heard = threading.Event()

    def refuse(sock: socket.socket) -> None:
        heading(sock)
        sock.sendall(REFUSAL)
        assert heard.wait(20)

    with acting(refuse) as port, before(port) as client:
        client.sock.sendall(client.head("PATCH", "uploads/x", Content_Length=str(8 * MIB)) + bytes(MIB))
        answer = client.answer()
        heard.set()
        assert (answer.status, answer.body, answer.headers["connection"]) == (401, b"refused", "close")
        client.sock.sendall(bytes(7 * MIB))
        client.sock.shutdown(socket.SHUT_WR)


def test_a_client_that_leaves_ends_the_upload(before: Before) -> None:
    ended = threading.Event()

    def take(sock: socket.socket) -> None:
        with suppress(ConnectionError):
            while sock.recv(MIB):
                pass
        ended.set()

    with acting(take) as port:
        client = before(port)
        client.sock.sendall(client.head("PATCH", "uploads/x", Content_Length=str(8 * MIB)) + bytes(MIB))
        reset(client.sock)
        assert ended.wait(20)


def test_a_client_that_leaves_ends_the_download(before: Before) -> None:
    ended = threading.Event()

    def give(sock: socket.socket) -> None:
        heading(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2**40))
        with suppress(ConnectionError):
            while True:
                sock.sendall(bytes(MIB))
        ended.set()

    with acting(give) as port:
        client = before(port)
        client.sock.sendall(client.head("GET", "sha256:" + "0" * 64))
        assert client.sock.recv(MIB)
        reset(client.sock)
        assert ended.wait(20)


@pytest.mark.parametrize("way", ["up", "down"])
def test_who_does_not_read_stops_who_sends(before: Before, way: str) -> None:
    stopped, seen = threading.Event(), threading.Event()

    def act(sock: socket.socket) -> None:
        heading(sock)
        if way == "down":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2**40))
            fill(sock)
            stopped.set()
        assert seen.wait(30)

    with acting(act) as port, before(port) as client:
        earlier = memory(own())
        if way == "up":
            client.sock.sendall(client.head("PATCH", "uploads/x", Content_Length=str(2**40)))
            fill(client.sock)
        else:
            client.sock.sendall(client.head("GET", "sha256:" + "0" * 64))
            assert stopped.wait(30)
        grown = memory(own()) - earlier
        seen.set()
        assert grown < 16 * MIB


def own() -> int:
    import os

    return os.getpid()


def fill(sock: socket.socket) -> None:
    """Send until nothing more is taken for a second; fail when that never happens."""
    sock.settimeout(1)
    with suppress(TimeoutError):
        for _ in range(512):
            sock.sendall(bytes(MIB))
        raise AssertionError("half a GiB was taken that nobody reads")


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_silent_registry_is_given_up(before: Before, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr("registry.gateway.upstream.IDLE_SECONDS", 0.3)
    monkeypatch.setattr(wire.Wire.some, "__defaults__", (0.3,))

    def silent(sock: socket.socket) -> None:
        while sock.recv(MIB):
            pass

    with acting(silent) as port, before(port) as client:
        body = random(MIB) if method == "PATCH" else None
        assert client.ask(method, "uploads/x", body).status == 503


def test_a_registry_that_breaks_off_breaks_off(before: Before) -> None:
    def give(sock: socket.socket) -> None:
        heading(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(500_000))

    with acting(give) as port, before(port) as client:
        client.sock.sendall(client.head("GET", "sha256:" + "0" * 64))
        assert client.heading()[0] == 200
        with pytest.raises(AssertionError, match="the connection has ended"):
            client._take(1_000_000)


def test_a_kept_connection_that_the_registry_closed_is_not_used(before: Before) -> None:
    def one(sock: socket.socket) -> None:
        heading(sock)
        sock.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")

    with acting(one) as port, before(port) as client:
        assert client.ask("POST", "uploads/", b"").status == 202
        until(lambda: not wire._kept or not wire._kept[0].quiet, what="the registry has closed it")
    assert client is not None


@pytest.mark.django_db(transaction=True)
async def test_a_leaver_is_noticed_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    lately, asked = holders.Lately(0.05), []
    claims = Claims("li.na", "person", "1")

    def look() -> bool:
        asked.append(claims)
        return len(asked) == 1

    assert await lately.well("li.na", look)
    assert await lately.well("li.na", look)
    assert len(asked) == 1
    monkeypatch.setattr(holders.time, "monotonic", lambda: float("inf"))
    assert not await lately.well("li.na", look)
    assert not await lately.well("li.na", look)
    assert len(asked) == 3
