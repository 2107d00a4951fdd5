"""A fake: a small HTTP server that speaks the portal's REST contract from a script.

It is only for what the real portal does not do on demand (vanish, refuse, expire tokens); the command line is also run
against the real portal in tests/real.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.cli.contract import complaints

PASSWORD = "PksDemo!2026"
KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.9:6443", certificate-authority-data: Q0E=}}]
users: [{name: u, user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""


TOKEN = {
    "id": "tk1", "name": "build", "scopes": ["clusters", "read"], "networks": ["10.0.0.0/8"], "made_by": "sun.li",
    "created_at": "2026-11-22T09:00:00Z", "expires_at": "2026-12-22T09:00:00Z", "rotated_at": None,
    "previous_until": None, "last_used_at": None, "last_address": None,
}  # fmt: skip

MEMBER = {
    "id": 1, "username": "wu.hao", "name": "吴昊", "role": "developer", "source": "directory",
    "group": "cn=payments-developers,ou=groups", "given_by": None, "given_at": "2026-11-22T09:00:00Z",
}  # fmt: skip


KUBECONFIG_ID = "00000000-0000-4000-8000-00000000000a"
HELD = {
    "id": KUBECONFIG_ID, "name": "exec-1", "cluster": "c1", "cluster_name": "pay-dev", "tenant": "payments",
    "holder": "wu.hao", "kind": "exec", "level": "edit", "created_at": "2026-11-22T09:00:00Z",
    "expires_at": "2026-12-22T09:00:00Z", "last_used_at": "2026-11-22T10:00:00Z", "revoked_at": None, "live": True,
}  # fmt: skip


def merged(names: list[str]) -> str:
    """Return a kubeconfig with a context for each name."""
    parts = {
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}:6443"}} for name in names],
        "users": [{"name": name, "user": {"token": name}} for name in names],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names],
    }
    return json.dumps({"apiVersion": "v1", "kind": "Config", **parts, "current-context": names[0]})


def problem(status: int, code: str, detail: str, **more: Any) -> tuple[int, dict[str, Any]]:
    return status, {"type": f"urn:pks-portal:{code}", "status": status, "code": code, "detail": detail, **more}


def cluster(name: str, tenant: str = "payments", **more: Any) -> dict[str, Any]:
    return {
        "id": f"id-{tenant}-{name}", "name": name, "tenant": tenant, "status": "running", "status_label": "Running",
        "plan": "small", "cloud": "local", "engine": "local", "simulated_nodes": True, "version": "1.37.2",
        "control_plane": 1, "nodes_wanted": 3, "nodes_ready": 3, "endpoint": "https://127.0.0.9:6443",
        "external_hostname": "", "labels": {"team": "core"}, "created_at": "2026-11-22T09:00:00Z",
        "created_by": "li.na", "observed_at": "2026-11-22T09:01:00Z", "task": None, "conditions": [],
        "nodes": [
            {"name": f"{name}-{n}", "pool": "default", "ready": True, "schedulable": True, "version": "v1.37.2",
             "simulated": True, "created": None, "pods": 2}
            for n in range(3)
        ],
        **more,
    }  # fmt: skip


def task(status: str = "running", **more: Any) -> dict[str, Any]:
    return {
        "id": "t1", "kind": "cluster.create", "title": "Create cluster pay-dev", "status": status,
        "status_label": status.title(), "progress": 100 if status == "succeeded" else 40, "tenant": "payments",
        "subject": {"type": "cluster", "id": "id-payments-pay-dev", "name": "pay-dev"}, "actor": "li.na",
        "created_at": "2026-11-22T09:00:00Z", "started_at": "2026-11-22T09:00:01Z", "ended_at": None,
        "blocked": False, "blocked_since": None, "forced_by": "",
        "waiting_for": "", "error": None, "last_seq": 3, "seconds_left": {"median": 4.0, "p90": 9.0},
        "steps": [
            {"name": "etcd", "text": "Start etcd", "state": "done", "started_at": None, "ended_at": None,
             "seconds": 1.5, "attempt": 2, "attempts_allowed": 8, "next_retry_at": None}
        ],
        **more,
    }  # fmt: skip


def event(seq: int, text: str) -> dict[str, Any]:
    return {"seq": seq, "at": "2026-11-22T09:00:02Z", "step": "etcd", "level": "info", "key": "k", "text": text}


@dataclass
class Seen:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class FakePortal:
    """What it answers: `rows` for the data, `script[(method, path)]` for answers given once each, before any other."""

    url: str = ""
    token: int = 1
    refreshable: bool = True
    page: int = 2
    clusters: list[dict[str, Any]] = field(default_factory=list)
    task: dict[str, Any] = field(default_factory=task)
    events: list[dict[str, Any]] = field(default_factory=list)
    tenants: list[str] = field(default_factory=lambda: ["payments"])
    script: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    lies: list[str] = field(default_factory=list)
    """Answers that the real portal would never give."""

    def once(self, method: str, path: str, *answers: Any) -> None:
        """Answer so, in turn: (status, JSON or raw text), or None to hang up."""
        self.script.setdefault((method, path), []).extend(answers)

    def requests(self, method: str, path: str) -> list[Seen]:
        return [request for request in self.seen if (request.method, request.path) == (method, path)]

    def answer(self, request: Seen) -> Any:
        self.seen.append(request)
        if scripted := self.script.get((request.method, request.path)):
            return scripted.pop(0)
        if request.path == "/oauth/token":
            return self._sign_in(request.body)
        if request.headers.get("authorization") != f"Bearer access-{self.token}":
            return problem(401, "authentication-failed", "The token is not right.")
        return self._data(request)

    def _sign_in(self, form: dict[str, str]) -> Any:
        good = {
            "password": form.get("password") == PASSWORD,
            "refresh_token": self.refreshable and form.get("refresh_token") == f"refresh-{self.token}",
        }[form["grant_type"]]
        if not good:
            return 401, {"error": "unauthorized", "error_description": "Bad credentials"}
        self.token += 1
        tokens = {"access_token": f"access-{self.token}", "refresh_token": f"refresh-{self.token}"}
        return 200, {**tokens, "token_type": "bearer", "expires_in": 600}

    def _data(self, request: Seen) -> Any:
        parts = request.path.removeprefix("/api/v1").strip("/").split("/")
        found = getattr(self, f"_{request.method.lower()}_{parts[0]}", None)
        return (found and found(request, *parts[1:])) or problem(404, "not-found", "Not found.")

    def _get_me(self, request: Seen, tokens: str = "") -> Any:
        if tokens:
            return 200, {"items": [TOKEN], "next": None}
        mine = [{"slug": slug, "name": slug, "roles": ["operator"]} for slug in self.tenants]
        return 200, {"username": "li.na", "name": "李娜", "tenants": mine, "platform_roles": []}

    def _get_tenants(self, request: Seen, slug: str = "", *parts: str) -> Any:
        items = {"tokens": [TOKEN], "members": [MEMBER]}.get(parts[-1] if parts else "")
        return (200, {"items": items, "next": None}) if items else None

    def _get_people(self, request: Seen) -> Any:
        held = [{"tenant": "payments", "role": "operator", "source": "manual", "group": ""}]
        person = {"id": 7, "username": "li.na", "name": "李娜", "active": True, "platform_roles": ["auditor"]}
        return 200, {"items": [{**person, "tenants": held, "last_login": None}], "next": None}

    def _get_plans(self, request: Seen) -> Any:
        plan = {"slug": "small", "name": "Small", "name_zh": "小型", "control_plane": 1, "vcpu": 2}
        return 200, {"items": [{**plan, "memory_gib": 4, "min_nodes": 2, "max_nodes": 10}], "next": None}

    def _get_clusters(self, request: Seen, pk: str = "") -> Any:
        if not pk:
            return self._page(request)
        return next(((200, row) for row in self.clusters if row["id"] == pk), None)

    def _post_clusters(self, request: Seen, pk: str = "", _kubeconfigs: str = "") -> Any:
        if not pk:
            return 202, {"task": self.task, "cluster": cluster(request.body["name"], status_label="Creating")}
        issued = {"id": "k1", "name": "n", "level": "edit", "expires_at": "2026-11-23T00:00:00Z"}
        return 201, {**issued, "kubeconfig": KUBECONFIG}

    def _get_kubeconfigs(self, request: Seen) -> Any:
        return 200, {"items": [HELD, {**HELD, "kind": "certificate", "last_used_at": None}], "next": None}

    def _post_kubeconfigs(self, request: Seen, revoke: str = "") -> Any:
        if revoke:
            return 200, {"revoked": [KUBECONFIG_ID], "failed": []}
        rows = [row for pk in request.body["clusters"] for row in self.clusters if row["id"] == pk]
        good = [row for row in rows if row["endpoint"]]
        facts = {"level": "edit", "expires_at": "2026-11-23T00:00:00Z"}
        issued = [
            {**facts, "id": row["id"], "name": "n", "cluster_name": row["name"], "tenant": row["tenant"]}
            for row in good
        ]
        refused = [
            {
                "cluster": row["id"],
                "name": row["name"],
                "tenant": row["tenant"],
                "code": "no-api-yet",
                "detail": "No API.",
            }
            for row in rows
            if not row["endpoint"]
        ]
        return 201, {"kubeconfig": merged([row["name"] for row in good]), "issued": issued, "refused": refused}

    def _delete_kubeconfigs(self, request: Seen, pk: str) -> Any:
        return 204, ""

    def _patch_clusters(self, request: Seen, pk: str) -> Any:
        return 202, {"task": self.task, "cluster": self.clusters[0]}

    _delete_clusters = _patch_clusters

    def _get_tasks(self, request: Seen, pk: str, events: str = "") -> Any:
        if not events:
            return 200, self.task
        after = int(request.query["after"])
        return 200, {"items": [row for row in self.events if row["seq"] > after][:2], "status": self.task["status"]}

    def _page(self, request: Seen) -> Any:
        rows = [row for row in self.clusters if request.query.get("name") in {None, row["name"]}]
        rows = [row for row in rows if request.query.get("tenant") in {None, row["tenant"]}]
        start = int(request.query.get("cursor", 0))
        more = start + self.page < len(rows)
        # an address that leads nowhere: only its query may be used
        link = f"http://192.0.2.1/api/v1/clusters?cursor={start + self.page}" if more else None
        return 200, {"items": rows[start : start + self.page], "next": link, "previous": None}


class _Handler(BaseHTTPRequestHandler):
    portal: FakePortal

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        kind = self.headers.get("Content-Type", "")
        if "octet-stream" in kind:
            body: Any = text
        else:
            body = {k: v[0] for k, v in parse_qs(text).items()} if "form" in kind else json.loads(text or "null")
        headers = {key.lower(): value for key, value in self.headers.items()}
        answer = self.portal.answer(Seen(self.command, parts.path, query, headers, body))
        if answer is not None:
            self.portal.lies += complaints(self.command, parts.path, *answer)
        self.close_connection = True
        if answer is not None:
            self._send(*answer)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def _send(self, status: int, content: Any) -> None:
        raw = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(content, str) else "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002


@contextmanager
def serving(portal: FakePortal, port: int = 0) -> Iterator[FakePortal]:
    """Serve on a loopback port (a free one if 0) for as long as the context is open."""
    handler = type("Handler", (_Handler,), {"portal": portal})
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        portal.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield portal
        finally:
            server.shutdown()
            thread.join()
