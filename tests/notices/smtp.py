"""A mail server on loopback that speaks enough SMTP for Python's client, with bad manners if asked for."""

import base64
import socketserver
import ssl
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from tests.notices.receiver import certificate


class MailServer:
    """`mails` holds what came; `manner`: "" takes all, "hang" says nothing, "busy" refuses each mail for now,
    "unknown" knows no address. With `tls` it takes mail only after STARTTLS, with `login` only from whom knows it.
    """

    def __init__(self, manner: str = "", *, tls: str = "", login: tuple[str, str] | None = None) -> None:
        self.manner, self.login = manner, login
        self.mails: list[EmailMessage] = []
        self.over = threading.Event()
        self.context: ssl.SSLContext | None = None
        self.authority = ""
        if tls:
            self.context, self.authority = certificate(tls)
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer.talk(self.request)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port: int = self.server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    def talk(self, line: Any) -> None:
        if self.manner == "hang":
            self.over.wait(10)
            return
        state = {"tls": self.context is None, "known": self.login is None}
        line.sendall(b"220 test\r\n")
        stream = line.makefile("rb")
        while command := stream.readline().decode().strip():
            verb = command.split()[0].upper()
            if verb == "STARTTLS" and self.context:
                line.sendall(b"220 go\r\n")
                try:
                    line = self.context.wrap_socket(line, server_side=True)
                except ssl.SSLError:
                    return
                stream, state["tls"] = line.makefile("rb"), True
                continue
            line.sendall(self.answer(verb, command, state, stream, line))
            if verb == "QUIT":
                line.close()
                return

    def answer(self, verb: str, command: str, state: dict[str, bool], stream: Any, line: Any) -> bytes:
        if verb == "EHLO":
            offers = [b"250-test", *([b"250-STARTTLS"] if not state["tls"] else []), b"250 AUTH PLAIN"]
            return b"\r\n".join(offers) + b"\r\n"
        if verb == "AUTH":
            given = tuple(base64.b64decode(command.split()[2]).decode().split("\0")[1:])
            state["known"] = given == self.login
            return b"235 ok\r\n" if state["known"] else b"535 no\r\n"
        if verb == "MAIL":
            if not (state["tls"] and state["known"]):
                return b"530 first STARTTLS and AUTH\r\n"
            return b"451 later\r\n" if self.manner == "busy" else b"250 ok\r\n"
        if verb == "RCPT":
            return b"550 nobody\r\n" if self.manner == "unknown" else b"250 ok\r\n"
        return self.take(stream, line) if verb == "DATA" else b"250 ok\r\n"

    def take(self, stream: Any, line: Any) -> bytes:
        line.sendall(b"354 go\r\n")
        parts = []
        while (part := stream.readline()) != b".\r\n":
            parts.append(part)
        mail = message_from_bytes(b"".join(parts), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return b"250 taken\r\n"
