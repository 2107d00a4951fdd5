"""The issuer under real API servers: keys change without one failure, tokens open one cluster, older ones follow."""

import http.client
import json
import os
import sqlite3
import ssl
import subprocess
import sys
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pks_portal.paths import CHECKOUT
from tests.real.running import FOREIGN, Portal, started, until

pytestmark = pytest.mark.real
DESCRIPTION, KEYS = "/.well-known/openid-configuration", "/.well-known/jwks.json"
REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Return a portal whose keys are kept for five seconds: a new one signs after fifteen, an old one is gone soon."""
    short = {"PKS_ISSUER_KEYS_KEPT_SECONDS": "5", "PKS_ISSUER_TOKEN_SECONDS": "10"}
    yield from started(tmp_path_factory.mktemp("issuer"), **short)


@pytest.fixture(scope="module")
def clusters(portal: Portal) -> tuple[str, str]:
    """Return two clusters that trust the portal."""
    made = [portal.create(name, 1) for name in ("one", "two")]
    for task, _cluster in made:
        portal.succeeded(task)
    until(lambda: not portal.query("SELECT 1 FROM clusters_cluster WHERE followed = ''"), 60, what="both follow")
    return made[0][1], made[1][1]


def manage(portal: Portal, *words: str) -> str:
    """Run a command of manage.py beside the running portal."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    lines = (portal.data / "run" / "portal.env").read_text().splitlines()
    own = dict(line.split("=", 1) for line in lines)
    done = subprocess.run(
        [sys.executable, "manage.py", *words], env=kept | own, cwd=CHECKOUT, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def listened(portal: Portal, path: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
    """Return what the issuer's own listener answers, under the portal's authority."""
    port = json.loads((portal.data / "run" / "ports.json").read_text())["issuer"]
    context = ssl.create_default_context(cafile=str(portal.data / "issuer" / "ca.pem"))
    link = http.client.HTTPSConnection("localhost", port, timeout=10, context=context)
    link.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        link.putheader(name, value)
    link.endheaders()
    answer = link.getresponse()
    body = answer.read()
    link.close()
    return answer.status, json.loads(body) if answer.status == 200 and method == "GET" else body


def published(portal: Portal) -> set[str]:
    return {key["kid"] for key in listened(portal, KEYS)[1]["keys"]}


def mint(portal: Portal, cluster: str) -> str:
    return str(portal.ask("POST", f"/api/v1/clusters/{cluster}/token", {}, status=200)["token"])


def whoami(portal: Portal, cluster: str, token: str) -> str | int:
    """Return as whom a cluster's own API knows the bearer of a token, or the status of its refusal."""
    sql = "SELECT endpoint, authority FROM clusters_cluster WHERE id=?"
    endpoint, authority = portal.query(sql, cluster.replace("-", ""))[0]
    host, _, port = endpoint.removeprefix("https://").partition(":")
    context = ssl.create_default_context(cadata=authority)
    link = http.client.HTTPSConnection(host, int(port), timeout=10, context=context)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    link.request("POST", REVIEWS, json.dumps(REVIEW), headers)
    answer = link.getresponse()
    body = json.loads(answer.read())
    link.close()
    return body["status"]["userInfo"]["username"] if answer.status == 201 else answer.status


def parts(token: str) -> list[dict[str, Any]]:
    """Return a token's header and claims."""
    return [json.loads(urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def test_keys_change_without_one_failure(portal: Portal, clusters: tuple[str, str]) -> None:
    seen: list[str] = []
    (old,) = published(portal)

    def asked() -> set[str]:
        token = mint(portal, clusters[0])
        assert whoami(portal, clusters[0], token) == "pks:li.na", (len(seen), parts(token))
        seen.append(parts(token)[0]["kid"])
        return set(seen)

    assert asked() == {old}
    manage(portal, "issuer_keys", "rotate")
    assert len(published(portal)) == 2, "the next one is known before it signs"
    until(lambda: len(asked()) == 2, 60, 0.2, "the new key signs")
    manage(portal, "issuer_keys", "prune")
    until(lambda: asked() and old not in published(portal), 60, 0.2, "the old key is not published any more")
    gone = len(seen)
    until(lambda: asked() and len(seen) > gone + 30, 60, 0.2, "longer than the API server keeps keys")
    assert "1 dropped" in manage(portal, "issuer_keys", "prune")
    assert seen == sorted(seen, key=[old, seen[-1]].index), "first the one, then the other"


def test_a_token_is_good_as_it_is_and_for_its_cluster_only(portal: Portal, clusters: tuple[str, str]) -> None:
    one, two = clusters
    token = mint(portal, one)
    assert whoami(portal, one, token) == "pks:li.na"
    assert whoami(portal, two, token) == 401
    head, claims, signature = token.split(".")
    assert whoami(portal, one, f"{head}.{claims}.{signature[:-8]}AAAAAAAA") == 401
    other = mint(portal, two).split(".")[1]
    assert whoami(portal, one, f"{head}.{other}.{signature}") == 401
    assert whoami(portal, two, mint(portal, two)) == "pks:li.na"


def test_the_listener_says_the_same_to_everybody(portal: Portal) -> None:
    status, said = listened(portal, DESCRIPTION)
    assert status == 200
    assert said["jwks_uri"] == said["issuer"] + KEYS
    for name in ("Host", "X-Forwarded-Host", "Forwarded"):
        evil = {name: "host=evil.example" if name == "Forwarded" else "evil.example"}
        assert listened(portal, DESCRIPTION, **evil) == (200, said), name
    assert "evil" not in json.dumps(said)


@pytest.mark.parametrize(
    "path", ["/", "/accounts/login/", "/api/v1/me", "/oauth/token", f"{KEYS}/", f"/{KEYS}", "/healthz"]
)
def test_the_listener_has_two_paths(portal: Portal, path: str) -> None:
    assert listened(portal, path)[0] == 404
    assert listened(portal, f"{KEYS}/../../oauth/token")[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_the_listener_is_only_read(portal: Portal, method: str) -> None:
    assert listened(portal, KEYS, method)[0] == 405


def test_a_renewed_certificate_keeps_the_authority(portal: Portal, clusters: tuple[str, str]) -> None:
    home: Path = portal.data / "issuer"
    authority, before = (home / "ca.pem").read_bytes(), (home / "server.pem").read_bytes()
    (home / "server.pem").unlink()
    portal.run("start")
    assert (home / "server.pem").read_bytes() != before
    assert (home / "ca.pem").read_bytes() == authority
    until(lambda: answers(portal), 30, what="the listener is back, under the same authority")
    assert whoami(portal, clusters[0], mint(portal, clusters[0])) == "pks:li.na"


def answers(portal: Portal) -> bool:
    try:
        return listened(portal, DESCRIPTION)[0] == 200
    except ConnectionError:
        return False


def test_an_older_cluster_is_switched_over_by_a_task(portal: Portal, clusters: tuple[str, str]) -> None:
    cluster = clusters[1]
    home = portal.data / "clusters" / cluster
    found = json.loads((home / "authentication.json").read_text())
    (home / "trust.json").unlink()
    (home / "authentication.json").write_text(json.dumps({**found, "jwt": []}))
    until(lambda: whoami(portal, cluster, mint(portal, cluster)) == 401, 90, 0.5, "it trusts nobody")
    link = sqlite3.connect(portal.data / "db" / "portal.sqlite3", timeout=20)
    with link:
        link.execute("UPDATE clusters_cluster SET followed = 'never' WHERE id = ?", (cluster.replace("-", ""),))
    link.close()
    tasks = "SELECT id FROM operations_operation WHERE kind = 'cluster.trust' AND subject_id = ?"
    (task,) = until(lambda: portal.query(tasks, cluster.replace("-", "")), 60, what="the task")[0]
    portal.succeeded(task)
    assert whoami(portal, cluster, mint(portal, cluster)) == "pks:li.na"
    assert portal.query("SELECT followed FROM clusters_cluster WHERE id = ?", cluster.replace("-", ""))[0][0] != "never"
    assert len(portal.query(tasks, cluster.replace("-", ""))) == 1, "once"
