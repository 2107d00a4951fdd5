"""The goal line of every race: /readyz answers 200, all nodes are Ready, the default service account is there.

It needs neither Django nor the product, so that it can run inside a peer's network namespace.
"""

import http.client
import json
import ssl
import time
from pathlib import Path
from typing import Any

LOOK_EVERY = 0.02
PATIENCE = 90.0


class Probe:
    """Asks one API server over a kept connection; what does not answer is status 0, never an error."""

    def __init__(self, host: str, port: int, files: Path, *, client: str = "admin") -> None:
        self._host, self._port, self._files, self._client = host, port, files, client
        self._connection: http.client.HTTPSConnection | None = None
        self._reached: set[str] = set()

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Return status and body."""
        try:
            connection = self._connection or self._connect()
            connection.request("GET", path, headers={"Accept": "application/json"})
            with connection.getresponse() as response:
                return response.status, _parsed(response.read())
        except (OSError, http.client.HTTPException):
            self._connection = None
            return 0, {}

    def ready(self) -> bool:
        return self.get("/readyz")[0] == http.HTTPStatus.OK

    def reached(self, nodes: int) -> bool:
        """Tell whether every part of the goal line has been seen; what was seen is not asked again."""
        checks = {"ready": self.ready, "nodes": lambda: self._nodes() >= nodes, "account": self._account}
        for name, holds in checks.items():
            if name not in self._reached and holds():
                self._reached.add(name)
        return len(self._reached) == len(checks)

    def wait(self, nodes: int) -> None:
        """Return when the goal line is reached. Raises TimeoutError."""
        deadline = time.monotonic() + PATIENCE
        while not self.reached(nodes):
            if time.monotonic() > deadline:
                raise TimeoutError(f"only {sorted(self._reached)} within {PATIENCE} s")
            time.sleep(LOOK_EVERY)

    def _nodes(self) -> int:
        return sum(map(_is_ready, self.get("/api/v1/nodes")[1].get("items", [])))

    def _account(self) -> bool:
        return self.get("/api/v1/namespaces/default/serviceaccounts/default")[0] == http.HTTPStatus.OK

    def _connect(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self._files / "ca.crt"))
        context.load_cert_chain(self._files / f"{self._client}.crt", self._files / f"{self._client}.key")
        self._connection = http.client.HTTPSConnection(self._host, self._port, timeout=2, context=context)
        return self._connection


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
