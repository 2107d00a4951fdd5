"""The gateway under a real uvicorn with our protocol, before a real registry or one that misbehaves as it is told."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from pks_portal import authority
from registry import serving
from registry.gateway import app, holders, wire
from registry.tokens import signing
from tests.real.running import free_port, until
from tests.registry.gateway.talking import Client, answers

REPOSITORY = "payments/web"


async def _absent(_scope: object, _receive: object, _send: object) -> None:
    """Stand for all that is not the gateway's."""
    raise NotImplementedError


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a data directory with an authority of its own."""
    data = tmp_path_factory.mktemp("gateway")
    (data / "keys").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PKS_DATA_DIR", str(data))
        signing._leaf_of.cache_clear()
        authority.ensure(data, ["127.0.0.1"])
        yield data
    signing._leaf_of.cache_clear()


@pytest.fixture(scope="module")
def registry(place: Path) -> Iterator[int]:
    """Return the port of a real registry."""
    port = free_port()
    wanted = serving.Serving(
        port=port, public_url="http://127.0.0.1", authority=place / "issuer" / "ca.pem", secret="only-for-tests",
        storage=serving.on_disk(place / "registry"),
    )  # fmt: skip
    (place / "registry.yml").write_text(wanted.text())
    with (place / "registry.log").open("wb") as log:
        child = subprocess.Popen(
            ["docker-registry", "serve", str(place / "registry.yml")], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    try:
        until(lambda: answers(port), what="the registry")
        yield port
    finally:
        child.terminate()
        child.wait(10)


@contextmanager
def _served(place: Path, registry: int, patch: pytest.MonkeyPatch, *, shelved: bool = False) -> Iterator[int]:
    """Serve the gateway before a registry, in a thread with an event loop as the portal's; yield its port.

    `shelved`: the registry's storage is where the gateway can read it.
    """
    from django.conf import settings

    patch.setenv("PKS_DATA_DIR", str(place))  # each test has one of its own otherwise
    patch.setattr(settings, "REGISTRY_URL", f"http://127.0.0.1:{registry}")
    patch.setattr(settings, "REGISTRY_CONFIG", str(place / "registry.yml") if shelved else "/nowhere")
    patch.setattr(holders.holds, "refuse", lambda: None)  # the database has no part in these tests
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(
            app.Gateway(_absent), port=port, http="registry.gateway.server:Protocol", ws="none", loop="uvloop",
            lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1,
        )
    )  # fmt: skip
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, what="uvicorn")
        yield port
    finally:
        server.should_exit = True
        thread.join(20)
        while wire._kept:
            wire._kept.pop().close()


@pytest.fixture(params=["storage here", "storage elsewhere"])
def gateway(
    place: Path, registry: int, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Callable[[], Client]]:
    """Return what makes a client of the gateway that stands before the real registry."""
    with _served(place, registry, monkeypatch, shelved=request.param == "storage here") as port:
        yield lambda: Client(port, token(), REPOSITORY)


@pytest.fixture
def shelved(place: Path, registry: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Client]]:
    """Return what makes a client of the gateway that reads the registry's storage."""
    with _served(place, registry, monkeypatch, shelved=True) as port:
        yield lambda: Client(port, token(), REPOSITORY)


@pytest.fixture
def before(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Client]]:
    """Return what makes a client of a gateway that stands before a registry of one's own at a port."""
    with _served(place, 0, monkeypatch) as port:

        def made(registry: int) -> Client:
            from django.conf import settings

            monkeypatch.setattr(settings, "REGISTRY_URL", f"http://127.0.0.1:{registry}")
            return Client(port, token(), REPOSITORY)

        yield made


def token(*actions: str) -> str:
    """Return a token of the portal's own kind, whose holder no database knows."""
    return signing.for_portal(REPOSITORY, *(actions or ("pull", "push", "delete")), seconds=300)
