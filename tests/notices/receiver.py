"""Receivers of webhooks and mail on loopback, real ones, with bad manners if asked for."""

import atexit
import contextlib
import datetime
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Receiver:
    """An HTTP server: `seen` holds each request (path, headers, body); `status` may be changed while it runs.

    `manner`: "" answers, "silent" never does, "dripping" sends a header that never ends, "no-http" sends noise.
    """

    def __init__(
        self, status: int = 200, body: bytes = b"thanks", headers: dict[str, str] | None = None, manner: str = "",
        tls: str = "",
    ) -> None:  # fmt: skip
        self.status, self.body, self.headers, self.manner = status, body, headers or {}, manner
        self.seen: list[dict[str, Any]] = []
        self.over = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.port: int = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.authority = ""
        if tls:
            context, self.authority = certificate(tls)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                outer.seen.append({"path": self.path, "headers": self.headers, "body": self.rfile.read(size)})
                with contextlib.suppress(OSError):
                    outer.manners()[outer.manner](self)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def manners(self) -> dict[str, Callable[[Any], None]]:
        return {"": self._answer, "silent": self._wait, "dripping": self._drip, "no-http": self._noise}

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(self.body)))
        handler.end_headers()
        handler.wfile.write(self.body)

    def _wait(self, handler: BaseHTTPRequestHandler) -> None:
        self.over.wait(10)

    def _drip(self, handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not self.over.wait(0.05):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    def _noise(self, handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"220 this is no web server\r\n")


def certificate(name: str) -> tuple[ssl.SSLContext, str]:
    """Return (a server's TLS for a name, the file of the authority to trust)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    directory = tempfile.TemporaryDirectory(prefix="pks-tls-")
    atexit.register(directory.cleanup)
    place = Path(directory.name)
    (place / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = serialization.PrivateFormat.PKCS8
    (place / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "cert.pem", place / "key.pem")
    return context, str(place / "cert.pem")


def unused_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
