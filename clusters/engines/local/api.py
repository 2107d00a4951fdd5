"""A small client for a cluster's own API, as the portal's administrator: kept connections, short timeouts."""

import http.client
import json
import os
import ssl
import threading
from collections.abc import Mapping
from typing import Any

from clusters.engines.local import network
from clusters.engines.local.layout import Layout
from clusters.engines.local.network import Network
from pks_portal import keys
from pks_portal.errors import Unavailable

TIMEOUT = 2.0
KEPT = 16  # connections per thread
SYSTEM = "Kubernetes API"

_thread = threading.local()


class Api:
    """The API of one cluster, through its front door. Raises Unavailable when it gives no usable answer."""

    def __init__(self, layout: Layout, net: Network) -> None:
        self._layout, self._net = layout, net

    def get(self, path: str) -> dict[str, Any]:
        """Return the object at a path."""
        return self._usable(*self.call("GET", path))

    def find(self, path: str) -> dict[str, Any] | None:
        """Return the object at a path, or None when there is none."""
        status, body = self.call("GET", path)
        return None if status == http.HTTPStatus.NOT_FOUND else self._usable(status, body)

    def create(self, path: str, body: Mapping[str, Any]) -> None:
        """Create an object; nothing happens if it is there."""
        status, answer = self.call("POST", path, body)
        if status != http.HTTPStatus.CONFLICT:
            self._usable(status, answer)

    def put(self, path: str, body: Mapping[str, Any]) -> None:
        """Create an object in a collection, or make the one of its name like this; what others added to it stays."""
        status, answer = self.call("POST", path, body)
        if status == http.HTTPStatus.CONFLICT:
            status, answer = self.call("PATCH", f"{path}/{body['metadata']['name']}", body)
        self._usable(status, answer)

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        """Merge into an object; nothing happens if it is gone."""
        status, answer = self.call("PATCH", path, body)
        if status != http.HTTPStatus.NOT_FOUND:
            self._usable(status, answer)

    def delete(self, path: str) -> None:
        """Delete an object; nothing happens if it is gone."""
        status, answer = self.call("DELETE", path)
        if status != http.HTTPStatus.NOT_FOUND:
            self._usable(status, answer)

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Return status and body. A kept connection that the server has closed meanwhile is tried once anew."""
        kept = self._key in _connections()
        try:
            return self._call(method, path, body)
        except (OSError, http.client.HTTPException) as first:
            if not kept or isinstance(first, TimeoutError):
                raise self._silent(first) from first
        try:
            return self._call(method, path, body)
        except (OSError, http.client.HTTPException) as second:
            raise self._silent(second) from second

    @property
    def _key(self) -> str:
        return str(self._layout.home)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, dict[str, Any]]:
        connection = self._connection()
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/merge-patch+json" if method == "PATCH" else "application/json"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            with connection.getresponse() as response:
                return response.status, _parsed(response.read())
        except BaseException:
            connection.close()
            _connections().pop(self._key, None)
            raise

    def _connection(self) -> http.client.HTTPSConnection:
        kept = _connections()
        if (connection := kept.get(self._key)) is None:
            while len(kept) >= KEPT:
                kept.pop(next(iter(kept))).close()
            connection = kept[self._key] = http.client.HTTPSConnection(
                self._net.door, network.API, timeout=TIMEOUT, context=self._context()
            )
        return connection

    def _context(self) -> ssl.SSLContext:
        secrets = self._layout.secrets
        context = ssl.create_default_context(cafile=str(secrets / "ca.crt"))
        with keys.readable(secrets / "admin.key") as key:
            context.load_cert_chain(secrets / "admin.crt", key)
        return context

    def _usable(self, status: int, body: dict[str, Any]) -> dict[str, Any]:
        if status >= http.HTTPStatus.BAD_REQUEST:
            raise Unavailable("engine.api_refused", system=SYSTEM, cause=str(body.get("message", "")), status=status)
        return body

    def _silent(self, cause: Exception) -> Unavailable:
        return Unavailable(
            "engine.api_silent", system=SYSTEM, cause=str(cause) or type(cause).__name__, endpoint=self._net.endpoint
        )


def forget(layout: Layout) -> None:
    """Close this thread's kept connection to a cluster, which is about to go."""
    if (connection := _connections().pop(str(layout.home), None)) is not None:
        connection.close()


def _connections() -> dict[str, http.client.HTTPSConnection]:
    """Return this thread's kept connections; a forked process does not use those of its parent."""
    if getattr(_thread, "pid", None) != os.getpid():
        _thread.pid, _thread.kept = os.getpid(), {}
    kept: dict[str, http.client.HTTPSConnection] = _thread.kept
    return kept


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {"message": data[:500].decode(errors="replace")}
    return found if isinstance(found, dict) else {"message": str(found)[:500]}
