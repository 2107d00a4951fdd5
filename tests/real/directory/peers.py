"""Servers that are no directory: one that says nothing, and one that passes on what it hears until it is cut off."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit


@contextmanager
def silent(address: str = "127.0.0.1") -> Iterator[str]:
    """Give host:port of a server that accepts connections and never says anything."""
    with socket.socket() as listening:
        listening.bind((address, 0))
        listening.listen(64)
        yield f"{address}:{listening.getsockname()[1]}"


@contextmanager
def silent_after_tls(directory: Path) -> Iterator[tuple[str, str]]:
    """Give host:port of a server that says nothing after a perfect handshake, and its authority's file."""
    pem, key = directory / "silent.pem", directory / "silent.key"
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=silent"]
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(pem)]
    subprocess.run(["openssl", "req", "-x509", *new, *files], check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    held: list[ssl.SSLSocket] = []

    def serve(listening: socket.socket) -> None:
        while True:
            try:
                one, _ = listening.accept()
            except OSError:
                return
            with suppress(OSError):
                held.append(context.wrap_socket(one, server_side=True))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}", str(pem)
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        for one in held:
            one.close()


class Relay:
    """A way to a real server, at another port of the same address (for which its certificate is made)."""

    def __init__(self, uri: str, *, cut_after: int | None = None) -> None:
        self.goal = (str(urlsplit(uri).hostname), urlsplit(uri).port or 636)
        self.cut_after = cut_after
        self.passed = self.connections = 0
        self._open: list[socket.socket] = []
        self._listening = socket.create_server((self.goal[0], 0))
        self.uri = f"ldaps://{self.goal[0]}:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, *_unused: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server as a machine ends that loses power."""
        for one in (self._listening, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
                far = socket.create_connection(self.goal)
            except OSError:
                return
            self.connections += 1
            self._open += [near, far]
            threading.Thread(target=self._copy, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._copy, args=(far, near, True), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if counted:
                    self.passed += len(data)
                    if self.cut_after is not None and self.passed > self.cut_after:
                        break
                target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
