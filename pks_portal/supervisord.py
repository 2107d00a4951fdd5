"""A call to a supervisord over its unix socket: XML-RPC, one connection for each call, so that threads share none."""

import socket
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Error, Fault, ServerProxy, Transport

ALREADY_STARTED, NOT_RUNNING, ALREADY_ADDED = 60, 70, 90
"""Faults that say "it is so already"; a Fault has its number as `faultCode`."""
RUNNING = "RUNNING"
NO_WAIT = False
"""The argument of startProcess and stopProcess that says: do not wait for the outcome."""

__all__ = ["ALREADY_ADDED", "ALREADY_STARTED", "NOT_RUNNING", "NO_WAIT", "RUNNING", "Fault", "Silent", "call"]


class Silent(Exception):
    """Supervisord does not answer, or not in its protocol; the text says how."""


def call(path: Path, method: str, *arguments: Any, timeout: float) -> Any:
    """Call `supervisor.<method>` at the socket and return its answer. `timeout` in seconds. Raises Fault, Silent."""
    try:
        transport = _UnixTransport(path, timeout)
        with ServerProxy("http://localhost/RPC2", transport=transport, allow_none=True) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)
    except Fault:
        raise
    except (OSError, HTTPException, Error) as silent:
        raise Silent(str(silent)) from silent


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _UnixTransport(Transport):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__()
        self._path, self._timeout = path, timeout

    def make_connection(self, host: Any) -> HTTPConnection:
        connection = _UnixConnection(self._path, self._timeout)
        self._connection = host, connection  # closed with the transport
        return connection
