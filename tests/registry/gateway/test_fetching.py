"""Blobs that the gateway reads from the registry's storage: only what a repository has, and nothing half."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry import shelf
from tests.real.running import until
from tests.registry.gateway.talking import MIB, Client, random, reset

pytestmark = pytest.mark.real
Made = Callable[[], Client]
BLOBS = "registry/docker/registry/v2/blobs/sha256"
LINKS = "registry/docker/registry/v2/repositories/payments/web/_layers/sha256"


def file_of(place: Path, digest: str) -> Path:
    figures = digest.removeprefix("sha256:")
    return place / BLOBS / figures[:2] / figures / "data"


@pytest.mark.parametrize("size", [1, 60_000, 5 * MIB + 3])
def test_the_registry_is_not_asked_for_what_lies_there(shelved: Made, settings: Any, size: int) -> None:
    data = random(size)
    with shelved() as client:
        digest = client.push(data)
        asked = client.ask("GET", digest, Range="bytes=0-")
        settings.REGISTRY_URL = "http://127.0.0.1:1"
        found = client.ask("GET", digest)
        assert (found.status, found.body == data) == (200, True)
        known = ("content-type", "docker-content-digest", "etag", "docker-distribution-api-version", "accept-ranges")
        assert {name: found.headers[name] for name in known} == {name: asked.headers[name] for name in known}
        assert client.ask("HEAD", digest).headers["content-length"] == str(size)
        assert client.ask("HEAD", f"sha256:{'0' * 64}").status == 404
        assert client.ask("GET", f"sha256:{'0' * 64}").status == 503


def test_what_another_repository_has_is_not_there(shelved: Made, place: Path) -> None:
    data = random(MIB)
    with shelved() as client:
        digest = client.push(data)
        (place / LINKS / digest.removeprefix("sha256:") / "link").unlink()
        assert file_of(place, digest).is_file()
        assert client.ask("HEAD", digest).status == 404
        with shelved() as other:
            assert other.ask("GET", f"sha256:{'0' * 64}").status == 404
        assert shelf.has(place / "registry/docker/registry/v2", "payments/web", digest) is False


def test_no_path_leads_out(shelved: Made) -> None:
    with shelved() as client:
        for path in ("..%2f..%2fregistry.yml", "../../../../registry.yml", "/" * 64, "A" * 64):
            assert client.ask("HEAD", f"sha256:{path}").status != 200


def test_a_blob_that_is_shorter_than_it_was_ends_the_line(shelved: Made, place: Path, monkeypatch: Any) -> None:
    data = random(5 * MIB)
    with shelved() as client:
        digest = client.push(data)
        taken = shelf.taken

        def cut(where: Path, wanted: str) -> shelf.Blob | None:
            found = taken(where, wanted)
            os.truncate(file_of(place, digest), MIB)
            return found

        monkeypatch.setattr(shelf, "taken", cut)
        client.sock.sendall(client.head("GET", digest))
        assert client.heading()[1]["content-length"] == str(len(data))
        got = b""
        while piece := client.sock.recv(MIB):
            got += piece
        assert len(got + client.left) <= MIB


def test_a_client_that_leaves_leaves_no_file_open(shelved: Made, place: Path) -> None:
    with shelved() as client:
        digest = client.push(random(64 * MIB))
    leaving = shelved()
    leaving.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    leaving.sock.sendall(leaving.head("GET", digest))
    assert leaving.sock.recv(1000)
    assert opened(file_of(place, digest))
    reset(leaving.sock)
    until(lambda: not opened(file_of(place, digest)), what="the file is closed")


def opened(file: Path) -> bool:
    """Say whether this process has a file open."""
    links = list(Path("/proc/self/fd").iterdir())
    return any(link.exists() and link.readlink() == file for link in links)
