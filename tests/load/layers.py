"""A client of layers for the bench: what docker and skopeo send to push a layer, and a pull that checks the digest."""

import hashlib
import http.client
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024
PIECE = 256 * 1024
AT_ONCE = 4
"""Connections of a client that has many layers to move: docker pulls three and pushes five at once."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A file of random bytes."""

    path: Path
    size: int
    digest: str

    @classmethod
    def make(cls, path: Path, size: int) -> "Layer":
        """Write so many MiB of chance; memory stays small."""
        hashed = hashlib.sha256()
        with path.open("wb") as file:
            for _ in range(size):
                piece = os.urandom(MIB)
                hashed.update(piece)
                file.write(piece)
        return cls(path, size * MIB, f"sha256:{hashed.hexdigest()}")


Act = Callable[[http.client.HTTPConnection, Layer], None]


@dataclass(frozen=True, slots=True)
class Registry:
    """One side of the race: the gateway, or the registry behind it. Both take the same token."""

    port: int
    repository: str
    headers: Mapping[str, str]

    def push(self, layers: list[Layer]) -> None:
        """Push layers, some at once. Raises RuntimeError for any other answer than is due."""
        self._each(layers, self._push)

    def pull(self, layers: list[Layer]) -> None:
        """Pull layers, some at once, and check each against its digest. Raises RuntimeError."""
        self._each(layers, self._pull)

    def _each(self, layers: list[Layer], act: Act) -> None:
        parts = [layers[at::AT_ONCE] for at in range(min(AT_ONCE, len(layers)))]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(self._on_one, part, act) for part in parts]:
                done.result()

    def _on_one(self, layers: list[Layer], act: Act) -> None:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            for layer in layers:
                act(link, layer)
        finally:
            link.close()

    def _push(self, link: http.client.HTTPConnection, layer: Layer) -> None:
        base = f"/v2/{self.repository}/blobs"
        self._said(link, "HEAD", f"{base}/{layer.digest}", 404)
        place = self._said(link, "POST", f"{base}/uploads/", 202)
        link.putrequest("PATCH", place)
        for name, value in {**self.headers, "Content-Length": str(layer.size)}.items():
            link.putheader(name, value)
        link.endheaders()
        with layer.path.open("rb") as file:
            link.sock.sendfile(file)
        place = self._answer(link, 202)
        self._said(link, "PUT", f"{place}&digest={layer.digest}", 201)

    def _pull(self, link: http.client.HTTPConnection, layer: Layer) -> None:
        link.request("GET", f"/v2/{self.repository}/blobs/{layer.digest}", headers=dict(self.headers))
        answer = link.getresponse()
        hashed, view = hashlib.sha256(), memoryview(bytearray(PIECE))
        while size := answer.readinto(view):
            hashed.update(view[:size])
        if f"sha256:{hashed.hexdigest()}" != layer.digest:
            raise RuntimeError(f"{answer.status}: not the layer that was pushed")

    def _said(self, link: http.client.HTTPConnection, method: str, path: str, due: int) -> str:
        link.request(method, path, headers={**self.headers, "Content-Length": "0"})
        return self._answer(link, due)

    @staticmethod
    def _answer(link: http.client.HTTPConnection, due: int) -> str:
        """Return where the answer points to."""
        answer = link.getresponse()
        said = answer.read()
        if answer.status != due:
            raise RuntimeError(f"{answer.status} instead of {due}: {said[:500]!r}")
        return answer.headers.get("Location", "")
