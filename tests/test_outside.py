"""The guarded client reaches the outside and nothing inside, whatever is typed and however names resolve."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

import pytest

from pks_portal import outside
from pks_portal.errors import Invalid, PortalError, Unavailable
from tests.notices.receiver import Receiver

INSIDE = """
127.0.0.1 127.8.8.8 0.0.0.0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.100.100.200 169.254.169.254
169.254.170.2 168.63.129.16 192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 192.88.99.1 224.0.0.1
239.255.255.255 240.0.0.1 255.255.255.255
::1 :: ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 fe80::1 fe80::1%1 fc00::1 fd00:ec2::254
fec0::1 ff02::1 2001:db8::1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::a00:1 2002:7f00:1:: 2002:a9fe:a9fe::
2001:0:1::1 100::1
""".split()  # noqa: SIM905
OUTSIDE = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8"]
WRONG = [
    "", "hook.example", "ftp://hook.example/", "file:///etc/passwd", "gopher://hook.example:70/_x", "https://",
    "https:///x", "https://user@hook.example/", "https://user:word@hook.example/", "https://hook.example/#part",
    "https://hook.example/#", "https://hook.example\\@127.0.0.1/", "https://hook.example/a b", " https://hook.example/",
    "https://hook.example/\r\nX-Injected: 1", "https://hook.example/\0", "https://hook.exämple/", "https://[::1/",
    "https://hook.example:99999/", "https://[fe80::1%25eth0]/", f"https://hook.example/{'x' * 500}", "//hook.example/x",
    "javascript:alert(1)", "unix:///run/x.sock",
]  # fmt: skip
TYPED = [
    "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/",
    "https://[::1]/", "https://[::ffff:7f00:1]/", "https://localhost/", "https://0/", "https://169.254.169.254/latest",
]  # fmt: skip


@pytest.fixture(autouse=True)
def closed(settings: Any) -> None:
    settings.PKS_WEBHOOK_ALLOW = []
    settings.PKS_WEBHOOK_PORTS = [443, 8443]


@pytest.mark.parametrize("address", INSIDE)
def test_no_inside_address_is_reached(address: str) -> None:
    assert not outside.permitted("https", ip_address(address), 443)


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_world_is_reached_by_https_on_few_ports(address: str) -> None:
    assert outside.permitted("https", ip_address(address), 443)
    assert not outside.permitted("https", ip_address(address), 22)
    assert not outside.permitted("http", ip_address(address), 443)


@pytest.mark.parametrize("url", WRONG)
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(Invalid) as refusal:
        outside.check(url)
    assert refusal.value.field == "url"


@pytest.mark.parametrize("url", TYPED)
def test_spellings_of_this_machine_are_refused(url: str) -> None:
    with pytest.raises((Invalid, Unavailable)) as refusal:  # unavailable: a spelling that no resolver knows
        outside.send(url, b"", {})
    assert refusal.value.key in {"error.outside_place", "error.outside_unknown", "error.outside_form"}


@pytest.mark.parametrize(
    ("entries", "address", "port", "answer"),
    [
        (["10.0.0.0/8"], "10.1.2.3", 443, True), (["10.0.0.0/8"], "::ffff:10.1.2.3", 443, True),
        (["10.0.0.0/8"], "10.1.2.3", 22, False), (["10.0.0.0/8"], "192.168.1.1", 443, False),
        (["10.1.2.3:9000"], "10.1.2.3", 9000, True), (["10.1.2.3:9000"], "10.1.2.3", 443, False),
        (["[fd00::1]:9000"], "fd00::1", 9000, True), (["fd00::/8"], "fd12::1", 443, True),
        (["fd00::/8"], "10.0.0.1", 443, False),
    ],
)  # fmt: skip
def test_the_operator_opens_networks(settings: Any, entries: list[str], address: str, port: int, answer: bool) -> None:
    settings.PKS_WEBHOOK_ALLOW = entries
    assert outside.permitted("https", ip_address(address), port) is answer


def test_a_name_with_one_inside_address_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, ["8.8.8.8"], ["10.0.0.1"])
    with refused(Invalid, "error.outside_place"):
        outside.send("https://two.example/", b"", {})


def test_a_name_that_changes_its_mind_leads_nowhere_else(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is asked once, and the connection goes to what was checked."""
    with Receiver() as checked, Receiver() as trap:
        settings.PKS_WEBHOOK_ALLOW = [f"127.0.0.1:{checked.port}"]
        asked = []

        def rebind(host: str, port: int, **_more: Any) -> Any:
            asked.append(host)
            return row("127.0.0.1" if len(asked) == 1 else "127.0.0.2", port)

        monkeypatch.setattr(socket, "getaddrinfo", rebind)
        assert outside.send(f"http://rebind.example:{checked.port}/x?y=1", b"{}", {"PKS-Event": "e"}).status == 200
        assert asked == ["rebind.example"]
        assert checked.seen[0]["headers"]["Host"] == f"rebind.example:{checked.port}"
        assert checked.seen[0]["path"] == "/x?y=1"
        assert trap.seen == []


def test_redirects_are_answers_and_not_followed(settings: Any) -> None:
    with Receiver() as trap, Receiver(status=302, headers={"Location": f"http://127.0.0.1:{trap.port}/"}) as first:
        settings.PKS_WEBHOOK_ALLOW = ["127.0.0.1/32", f"127.0.0.1:{first.port}", f"127.0.0.1:{trap.port}"]
        assert outside.send(first.url, b"", {}).status == 302
        assert trap.seen == []


def test_no_proxy_of_the_environment_is_used(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver() as proxy, Receiver() as real:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        settings.PKS_WEBHOOK_ALLOW = [f"127.0.0.1:{real.port}"]
        assert outside.send(real.url, b"", {}).status == 200
        assert proxy.seen == []


def test_a_long_answer_is_cut(settings: Any) -> None:
    with Receiver(body=b"x" * 1_000_000) as receiver:
        settings.PKS_WEBHOOK_ALLOW = [f"127.0.0.1:{receiver.port}"]
        assert len(outside.send(receiver.url, b"", {}).body) == outside.LARGEST


@pytest.mark.parametrize("manner", ["silent", "dripping", "no-http"])
def test_every_way_to_be_slow_ends_in_time(settings: Any, manner: str) -> None:
    with Receiver(manner=manner) as receiver:
        settings.PKS_WEBHOOK_ALLOW = [f"127.0.0.1:{receiver.port}"]
        began = time.monotonic()
        with pytest.raises(Unavailable):
            outside.send(receiver.url, b"", {}, seconds=0.5)
        assert time.monotonic() - began < 2


def test_a_resolver_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    hung = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [hung.wait(5)][:0])
    began = time.monotonic()
    with refused(Unavailable, "error.outside_slow"):
        outside.send("https://slow.example/", b"", {}, seconds=0.2)
    assert time.monotonic() - began < 1
    hung.set()


def test_tls_is_verified_for_the_name_that_was_typed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with Receiver(tls="hook.example") as receiver:
        settings.PKS_WEBHOOK_ALLOW = [f"127.0.0.1:{receiver.port}"]
        resolves(monkeypatch, ["127.0.0.1"])
        with refused(Unavailable, "error.outside_silent"):
            outside.send(f"https://hook.example:{receiver.port}/", b"", {})  # an authority that nobody trusts
        settings.PKS_WEBHOOK_CA = receiver.authority
        assert outside.send(f"https://hook.example:{receiver.port}/", b"", {}).status == 200
        with refused(Unavailable, "error.outside_silent"):
            outside.send(f"https://other.example:{receiver.port}/", b"", {})
        assert len(receiver.seen) == 1


def resolves(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    rows = [address for answer in answers for address in answer]
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, port, **__: [row(one, port)[0] for one in rows])


def row(address: str, port: int) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


@contextmanager
def refused(kind: type[PortalError], key: str) -> Iterator[None]:
    with pytest.raises(kind) as refusal:
        yield
    assert refusal.value.key == key
