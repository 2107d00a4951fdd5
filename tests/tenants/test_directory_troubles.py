"""What one directory's troubles may cost: a bounded time, and nobody else's sign-in."""

import socket
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from pks_portal import keyring
from tenants.directory import sources, transport
from tenants.directory.config import Config
from tenants.directory.searching import Searcher
from tenants.directory.transport import DirectoryUnavailable, preflight
from tenants.models import DirectoryServer, DirectorySource

BASE = {"bind_dn": "cn=portal", "bind_password": "", "user_base": "dc=corp", "group_base": "dc=corp"}
SECONDS = 0.6
MARGIN = 2.4


@pytest.fixture
def deaf() -> Iterator[int]:
    """Return a port whose queue of connections is full, so that the next one waits."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def took(uri: str) -> float:
    began = time.monotonic()
    with pytest.raises(OSError, match=r".*"):
        preflight(uri, Config(uris=(uri,), **BASE), SECONDS)  # type: ignore[arg-type]
    return time.monotonic() - began


def test_several_dead_addresses_share_the_time(monkeypatch: pytest.MonkeyPatch, deaf: int) -> None:
    monkeypatch.setattr(transport, "_looked_up", lambda *_: ["127.0.0.1"] * 5)
    assert took(f"ldaps://ldap.corp.example:{deaf}") < SECONDS + MARGIN


def test_a_resolver_that_hangs_costs_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = threading.Event()

    def resolve(*_args: Any, **_more: Any) -> None:
        hangs.wait(30)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert took("ldaps://ldap.corp.example") < SECONDS + MARGIN
    hangs.set()


@pytest.mark.parametrize(
    "values",
    [
        {"objectGUID": [b"short"], "userAccountControl": [b"512"]},
        {"objectGUID": [uuid.uuid4().bytes], "userAccountControl": [b"many"]},
        {"objectGUID": [uuid.uuid4().bytes], "accountExpires": [b"--5"]},
        {"objectGUID": [uuid.uuid4().bytes], "accountExpires": [b"9" * 4000]},
    ],
)
def test_an_entry_that_is_malformed_is_named_and_no_answer(values: dict[str, list[bytes]]) -> None:
    searcher = Searcher(Config(uris=("ldaps://x",), kind="ad", **BASE))  # type: ignore[arg-type]
    with pytest.raises(DirectoryUnavailable) as refused:
        searcher.person("cn=strange,dc=corp", values)
    assert "cn=strange,dc=corp" in refused.value.cause


@pytest.mark.django_db
def test_a_password_that_cannot_be_opened_is_an_outage_of_its_directory_only(settings: Any) -> None:
    settings.DIRECTORY = {**settings.DIRECTORY, "uris": []}
    for slug in ("broken", "well"):
        facts = {"name": slug, "bind_dn": "cn=portal", "user_base": "dc=corp", "group_base": "dc=corp"}
        source = DirectorySource.objects.create(slug=slug, enabled=True, **facts)
        DirectoryServer.objects.create(source=source, uri=f"ldaps://{slug}.example")
    DirectorySource.objects.filter(slug="broken").update(bind_password=f"{keyring.SCHEME}.k1.damaged")
    assert {source.slug: config.locked for source, config in sources.configured()} == {"broken": True, "well": False}
    broken = next(config for source, config in sources.configured() if source.slug == "broken")
    with pytest.raises(DirectoryUnavailable) as refused:
        transport.connect(broken)
    assert "type it again" in refused.value.cause
