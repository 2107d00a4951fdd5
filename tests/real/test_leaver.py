"""A person is disabled in the directory: after the sync that sees it nothing lets them in any more, anywhere."""

import http.client
import json
import ssl
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import ldap
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from pks_portal.default_set import directory, mapping
from pks_portal.default_set.entries import DISABLED, person_dn
from pks_portal.default_set.place import Place
from pks_portal.paths import cache
from tests.real.running import PASSWORD, Portal, kubectl, started, until

pytestmark = pytest.mark.real
LEAVER = "wu.hao"
TOKEN_SECONDS = 20


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    yield from started(tmp_path_factory.mktemp("leaver"), PKS_ISSUER_TOKEN_SECONDS=str(TOKEN_SECONDS))


@pytest.fixture(scope="module")
def cluster(portal: Portal) -> str:
    """Return a cluster that follows the portal."""
    task, made = portal.create("kept", 1)
    portal.succeeded(task)
    until(lambda: portal.query("SELECT 1 FROM clusters_cluster WHERE followed != ''"), 60, what="it follows")
    return made


def browser(portal: Portal, name: str) -> httpx.Client:
    """Return a browser in which somebody has signed in."""
    client = httpx.Client(base_url=portal.url.replace("127.0.0.1", "localhost"), timeout=20)
    client.get("/accounts/login/")
    form = {"login": name, "password": PASSWORD, "csrfmiddlewaretoken": client.cookies["pks_csrf"]}
    answer = client.post("/accounts/login/", data=form, headers={"Referer": str(client.base_url)})
    assert answer.status_code == 302, answer.text
    return client


def tokens(portal: Portal, name: str) -> dict[str, str]:
    form = {"grant_type": "password", "client_id": "pks_cli", "username": name, "password": PASSWORD}
    answer = httpx.post(f"{portal.url}/oauth/token", data=form, timeout=20)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def asked(portal: Portal, method: str, path: str, token: str, body: Any = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.request(method, f"{portal.url}{path}", json=body, headers=headers, timeout=30)


def whoami(portal: Portal, cluster: str, token: str) -> int:
    """Return how the cluster's own API answers the bearer of a token."""
    endpoint, authority = portal.query("SELECT endpoint, authority FROM clusters_cluster WHERE id=?", plain(cluster))[0]
    host, _, port = endpoint.removeprefix("https://").partition(":")
    context = ssl.create_default_context(cadata=authority)
    link = http.client.HTTPSConnection(host, int(port), timeout=10, context=context)
    link.request("GET", "/api/v1/namespaces/default/pods", headers={"Authorization": f"Bearer {token}"})
    status = link.getresponse().status
    link.close()
    return status


def plain(identifier: str) -> str:
    return identifier.replace("-", "")


def set_disabled(portal: Portal, name: str) -> None:
    place = Place(portal.data, cache(), "127.0.0.1", portal.port)
    ports = json.loads((portal.data / "run" / "ports.json").read_text())
    secret = (portal.data / "keys" / "directory-admin-password").read_text().strip()
    link = directory.connect(place, ports["ldaps"], mapping.ADMIN_DN, secret)
    link.modify_s(person_dn("payments", name), [(ldap.MOD_REPLACE, "pwdAccountLockedTime", [DISABLED.encode()])])
    link.unbind_s()


class Leaver:
    """Everything that lets one person in: session and socket, tokens, a certificate, a token for the cluster."""

    def __init__(self, portal: Portal, cluster: str, folder: Path) -> None:
        self.portal, self.cluster, self.path = portal, cluster, f"/api/v1/clusters/{cluster}"
        self.session = browser(portal, LEAVER)
        self.given = tokens(portal, LEAVER)
        issued = self.ask("POST", f"{self.path}/kubeconfigs", {"level": "edit"})
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(issued.json()["kubeconfig"])
        made = self.ask("POST", f"{self.path}/token", {})
        assert made.status_code == 200, made.text
        self.identity, self.minted = made.json()["token"], time.monotonic()

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return asked(self.portal, method, path, self.given["access_token"], body)

    def refresh(self) -> int:
        form = {"grant_type": "refresh_token", "client_id": "pks_cli", "refresh_token": self.given["refresh_token"]}
        return httpx.post(f"{self.portal.url}/oauth/token", data=form, timeout=20).status_code

    def pods(self) -> str:
        return kubectl(self.kubeconfig, "get", "pods", check=False)

    def in_cluster(self) -> int:
        return whoami(self.portal, self.cluster, self.identity)

    def socket(self) -> Any:
        headers = {"Cookie": f"pks_session={self.session.cookies['pks_session']}"}
        here = f"localhost:{self.portal.port}"
        return connect(f"ws://{here}/ws/feed", additional_headers=headers, origin=Origin(f"http://{here}"))

    def is_in(self) -> None:
        claims = json.loads(b64decode(self.identity.split(".")[1] + "=="))
        assert claims["groups"] == ["payments:developer"]
        assert self.session.get("/clusters").status_code == 200
        assert self.ask("GET", "/api/v1/me").status_code == 200
        assert "No resources found" in self.pods()
        assert self.in_cluster() == 200

    def is_out(self) -> None:
        assert self.session.get("/clusters").status_code in {302, 401}
        assert self.ask("GET", "/api/v1/me").status_code == 401
        assert self.ask("POST", f"{self.path}/token", {}).status_code == 401
        assert self.refresh() == 401


def test_one_file_opens_several_clusters_until_it_is_revoked(portal: Portal, cluster: str, tmp_path: Path) -> None:
    task, second = portal.create("second", 1)
    portal.succeeded(task)
    wish = {"clusters": [cluster, second], "level": "edit", "hours": 1}
    made = portal.ask("POST", "/api/v1/kubeconfigs", wish, status=201)
    assert made["refused"] == []
    kubeconfig = tmp_path / "merged"
    kubeconfig.write_text(made["kubeconfig"])

    def pods(context: str) -> str:
        return kubectl(kubeconfig, "--context", context, "get", "pods", check=False)

    assert "No resources found" in pods("kept")
    assert "No resources found" in pods("second")
    portal.ask("DELETE", f"/api/v1/kubeconfigs/{made['issued'][1]['id']}", status=204)
    until(lambda: "orbidden" in pods("second"), 15, what="the revoked one opens nothing")
    assert "No resources found" in pods("kept"), "the other goes on"
    revoked = portal.ask("POST", "/api/v1/kubeconfigs/revoke", {"mine": True}, status=200)
    assert revoked == {"revoked": [made["issued"][0]["id"]], "failed": []}
    until(lambda: "orbidden" in pods("kept"), 15, what="and neither does the other one")


def test_after_the_sync_nothing_lets_them_in(portal: Portal, cluster: str, tmp_path: Path) -> None:
    leaver = Leaver(portal, cluster, tmp_path)
    with closing(leaver.session):
        _comes_to_nothing(leaver, portal)


def _comes_to_nothing(leaver: Leaver, portal: Portal) -> None:
    with leaver.socket() as socket:
        assert json.loads(socket.recv(5)) == {"hello": 1}
        leaver.is_in()
        set_disabled(portal, LEAVER)
        leaver.is_in()  # nobody has looked yet
        sync = portal.ask("POST", "/api/v1/directories/environment/sync", user="zhang.wei", status=202)
        began = time.monotonic()
        until(lambda: portal.ask("GET", f"/api/v1/tasks/{sync['task']}", user="zhang.wei")["status"] == "succeeded", 60)
        assert closed(socket) == 4401
    leaver.is_out()
    until(lambda: "orbidden" in leaver.pods(), 15, what="the certificate opens nothing")
    assert time.monotonic() - began < 30, "promised: at once; the margin is for a busy machine"
    assert kubectl(leaver.kubeconfig, "get", "--raw", "/version"), "discovery is open to whoever has a certificate"
    until(lambda: leaver.in_cluster() == 401, TOKEN_SECONDS + 15, what="the token has ended")
    assert time.monotonic() - leaver.minted < TOKEN_SECONDS + 45
    assert all(row[0] for row in portal.query("SELECT revoked_at FROM clusters_kubeconfig WHERE kind='certificate'"))
    form = {"grant_type": "password", "client_id": "pks_cli", "username": LEAVER, "password": PASSWORD}
    assert httpx.post(f"{portal.url}/oauth/token", data=form, timeout=20).status_code == 401


def closed(socket: Any) -> int:
    """Return the code with which the portal closes a socket, after whatever else it says."""
    try:
        while True:
            socket.recv(15)
    except ConnectionClosed as end:
        return end.rcvd.code if end.rcvd else 0
