"""HTTP/1.1 by hand: what is sent is exactly what the test says, and what comes is read as it comes."""

import hashlib
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

MIB = 1024 * 1024


def answers(port: int) -> bool:
    """Say whether somebody listens."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@dataclass(frozen=True)
class Answer:
    """What came: status, headers by lower-case name, body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """One connection to the gateway."""

    def __init__(self, port: int, bearer: str, repository: str) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), 20)
        self.bearer, self.base, self.left = bearer, f"/v2/{repository}/blobs", b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def head(self, method: str, path: str, **headers: str) -> bytes:
        """Return a request's head; `_` in a header's name is a hyphen."""
        path = path if path.startswith("/") else f"{self.base}/{path}"
        every = {"Host": "127.0.0.1", "Authorization": self.bearer, **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{key.replace('_', '-')}: {value}" for key, value in every.items())]
        return "\r\n".join([*lines, "", ""]).encode()

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send a request and return the answer."""
        length = {} if body is None else {"Content-Length": str(len(body))}
        self.sock.sendall(self.head(method, path, **length, **headers) + (body or b""))
        return self.answer(head=method == "HEAD")

    def answer(self, *, head: bool = False) -> Answer:
        """Return the next answer but those of the "100 Continue" kind."""
        status, headers = self.heading()
        if head or status in {204, 304}:
            return Answer(status, headers, b"")
        if "chunked" in headers.get("transfer-encoding", ""):
            return Answer(status, headers, b"".join(iter(self._chunk, b"")))
        return Answer(status, headers, self._take(int(headers.get("content-length", "0"))))

    def heading(self) -> tuple[int, dict[str, str]]:
        """Return status and headers of what comes next."""
        while b"\r\n\r\n" not in self.left:
            self._more()
        raw, _, self.left = self.left.partition(b"\r\n\r\n")
        first, *lines = raw.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return int(first.split()[1]), headers

    @property
    def closed(self) -> bool:
        """Wait for the end of the connection; False where something comes instead."""
        try:
            return not self.left and not self.sock.recv(1)
        except ConnectionResetError:
            return True

    def push(self, data: bytes, **headers: str) -> str:
        """Push a blob in one piece and return its digest."""
        place = self.start()
        sent = self.ask("PATCH", place, data, **headers)
        assert sent.status == 202, sent
        return self.finish(sent, data)

    def start(self) -> str:
        begun = self.ask("POST", "uploads/", b"")
        assert begun.status == 202, begun
        return begun.headers["location"]

    def finish(self, sent: Answer, data: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        done = self.ask("PUT", f"{sent.headers['location']}&digest={digest}", b"")
        assert done.status == 201, done
        return digest

    def _chunk(self) -> bytes:
        while b"\r\n" not in self.left:
            self._more()
        size, _, self.left = self.left.partition(b"\r\n")
        return self._take(int(size, 16) + 2)[:-2]

    def _take(self, size: int) -> bytes:
        while len(self.left) < size:
            self._more()
        found, self.left = self.left[:size], self.left[size:]
        return found

    def _more(self) -> None:
        piece = self.sock.recv(MIB)
        assert piece, f"the connection has ended: {self.left!r}"
        self.left += piece


def random(size: int) -> bytes:
    return os.urandom(size)


def chunked(data: bytes, size: int = 32 * 1024) -> bytes:
    """Return data in chunks."""
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def reset(sock: Any) -> None:
    """Leave without a word."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()
