"""Blobs through the gateway: whole both ways, on one connection, however they are framed; odd framing goes nowhere."""

from collections.abc import Callable

import pytest

from tests.registry.gateway.talking import MIB, Client, chunked, random

pytestmark = pytest.mark.real
Made = Callable[[], Client]


@pytest.mark.parametrize("size", [1, 60_000, 70_000, 5 * MIB + 3])
def test_what_is_pushed_is_pulled_on_one_connection(gateway: Made, size: int) -> None:
    data = random(size)
    with gateway() as client:
        digest = client.push(data)
        first = client.ask("GET", digest)
        assert (first.status, first.body == data) == (200, True)
        looked = client.ask("HEAD", digest)
        assert (looked.status, looked.headers["content-length"]) == (200, str(size))
        assert client.ask("GET", digest, If_None_Match=first.headers["etag"]).status == 304
        part = client.ask("GET", digest, Range=f"bytes=0-{size // 2}")
        assert (part.status, part.body) == (206, data[: size // 2 + 1])
        assert client.ask("GET", digest).body == data
        assert client.ask("GET", "sha256:" + "0" * 64).status == 404


def test_a_body_in_chunks_arrives(gateway: Made) -> None:
    data = random(3 * MIB + 5)
    with gateway() as client:
        client.sock.sendall(client.head("PATCH", client.start(), Transfer_Encoding="chunked") + chunked(data))
        digest = client.finish(client.answer(), data)
        assert client.ask("GET", digest).body == data


def test_who_waits_for_leave_is_given_it(gateway: Made) -> None:
    data = random(2 * MIB)
    with gateway() as client:
        place = client.start()
        client.sock.sendall(client.head("PATCH", place, Expect="100-continue", Content_Length=str(len(data))))
        assert client.heading()[0] == 100
        client.sock.sendall(data)
        digest = client.finish(client.answer(), data)
        assert client.ask("GET", digest).body == data


def test_requests_behind_each_other_are_answered_in_turn(gateway: Made) -> None:
    data, other = random(MIB), random(2 * MIB)
    with gateway() as client:
        one, two = client.push(data), client.push(other)
        client.sock.sendall(b"".join(client.head("GET", digest) for digest in (one, two, one)))
        assert [client.answer().body for _ in range(3)] == [data, other, data]
        place = client.start()
        body = client.head("PATCH", place, Content_Length=str(len(other))) + other
        client.sock.sendall(body + client.head("GET", one) + client.head("GET", two))
        assert [client.answer().status for _ in range(3)] == [202, 200, 200]


def test_a_request_that_comes_amid_an_answer_waits_for_its_turn(gateway: Made) -> None:
    data = random(16 * MIB)
    with gateway() as client:
        digest = client.push(data)
        client.sock.sendall(client.head("GET", digest))
        status, headers = client.heading()
        client.sock.sendall(client.head("HEAD", digest))
        assert (status, client._take(int(headers["content-length"])) == data) == (200, True)
        assert client.answer(head=True).status == 200


def test_an_upload_behind_a_download_is_whole(gateway: Made) -> None:
    data = random(4 * MIB)
    with gateway() as client:
        digest = client.push(data)
        place = client.start()
        client.sock.sendall(client.head("GET", digest) + client.head("PATCH", place, Content_Length=str(MIB)))
        client.sock.sendall(data[:MIB])
        assert client.answer().body == data
        client.finish(client.answer(), data[:MIB])


@pytest.mark.parametrize(
    "lines",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: +5",
        "Content-Length: 5 5",
        "Content-Length: -1",
        "Content-Length: 0x5",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Content-Length: 5\r\nX-Folded: a\r\n b",
        "Content-Length : 5",
        "Content-Length: 5\r\nX-Bare: a\nX-Other: b",
    ],
)
def test_odd_framing_goes_nowhere(gateway: Made, lines: str) -> None:
    with gateway() as client:
        place = client.start()
        head = client.head("PATCH", place)[:-2] + lines.encode() + b"\r\n\r\n"
        client.sock.sendall(head + b"0\r\n\r\n")
        assert client.answer().status == 400
        assert client.closed


def test_what_follows_a_body_is_never_taken_for_the_next_request(gateway: Made) -> None:
    data = random(MIB)
    with gateway() as client, gateway() as other:
        digest = other.push(data)
        place = client.start()
        hidden = client.head("DELETE", digest)
        body = random(100_000) + hidden
        client.sock.sendall(client.head("PATCH", place, Content_Length=str(len(body))) + body)
        client.finish(client.answer(), body)
        assert other.ask("HEAD", digest).status == 200


def test_rules_are_those_of_every_request(gateway: Made) -> None:
    with gateway() as client:
        place, known = client.start(), client.bearer
        client.bearer = "Bearer nonsense"
        refused = client.ask("PATCH", place, random(300_000))
        assert (refused.status, "service/token" in refused.headers["www-authenticate"]) == (401, True)
        client.bearer = known
        assert client.ask("PATCH", place, random(300_000)).status == 202
        assert client.ask("GET", "/v2/other/web/blobs/sha256:" + "0" * 64).status == 401
