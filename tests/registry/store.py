"""A real registry of a test's own on loopback (Debian's docker-registry), which takes the portal's tokens only."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from pks_portal import authority
from registry.manifests import Manifest, digest_of, read
from registry.serving import Serving, on_disk
from registry.tokens import signing
from tests.real.running import free_port, until
from tests.registry.images import Layout


@dataclass
class Server:
    """The registry: where it is, and where its configuration and data lie."""

    url: str
    config: Path
    root: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.config.parent / "registry.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", str(self.config)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        until(self._answers, 20, 0.02, "the registry answers")

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
            self.process = None

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/v2/", timeout=2).status_code == HTTPStatus.UNAUTHORIZED
        except httpx.HTTPError:
            return False

    def size(self) -> int:
        """Return the bytes of all blobs on disk."""
        return sum(file.stat().st_size for file in (self.root / "docker/registry/v2/blobs").rglob("data"))

    # as a client that goes past the gateway
    def ask(self, method: str, name: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": signing.for_portal(name, "pull", "push", "delete"), **more.pop("headers", {})}
        answer = httpx.request(method, f"{self.url}/v2/{name}/{path}", headers=headers, timeout=20, **more)
        assert answer.status_code < 500, answer.text
        return answer

    def upload(self, name: str, data: bytes) -> str:
        """Put a blob there."""
        digest = digest_of(data)
        begun = self.ask("POST", name, "blobs/uploads/")
        assert begun.status_code == HTTPStatus.ACCEPTED, begun.text
        target = begun.headers["location"].partition(f"/v2/{name}/")[2]
        done = self.ask("PUT", name, f"{target}&digest={digest}", content=data)
        assert done.status_code == HTTPStatus.CREATED, done.text
        return digest

    def upload_parts(self, name: str, layout: Layout, manifest: Manifest) -> None:
        """Put everything there that a manifest names."""
        for digest in manifest.parts.keys() - {manifest.digest}:
            self.upload(name, layout_blob(layout, digest))

    def put(self, name: str, reference: str, manifest: Manifest) -> None:
        headers = {"Content-Type": manifest.media_type}
        done = self.ask("PUT", name, f"manifests/{reference}", content=manifest.raw, headers=headers)
        assert done.status_code == HTTPStatus.CREATED, done.text

    def has(self, name: str, digest: str) -> bool:
        accept = {"Accept": "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"}
        return self.ask("HEAD", name, f"manifests/{digest}", headers=accept).status_code == HTTPStatus.OK


def layout_blob(layout: Layout, digest: str) -> bytes:
    return (layout.path / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()


def manifest_of(layout: Layout, descriptor: dict[str, Any], reference: str = "") -> Manifest:
    """Return a manifest of a layout, taken apart."""
    return read(layout_blob(layout, descriptor["digest"]), descriptor["mediaType"], reference)


@contextmanager
def serving(place: Path) -> Iterator[Server]:
    """Yield a running registry whose data lie in a directory."""
    signing._leaf_of.cache_clear()  # of another test's authority
    (place / "keys").mkdir(mode=0o700, exist_ok=True)
    authority.ensure(place, ["localhost"])
    port = free_port()
    root = place / "registry"
    root.mkdir()
    config = place / "registry.yml"
    text = Serving(
        port=port, public_url="http://localhost", authority=place / "issuer" / "ca.pem", secret="only-for-tests",
        storage=on_disk(root),
    ).text()  # fmt: skip
    config.write_text(text)
    server = Server(f"http://127.0.0.1:{port}", config, root)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        signing._leaf_of.cache_clear()
