"""A real API server believes the issuer that it is told to: for its own tokens, at the level of their groups."""

import http.client
import http.server
import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from clusters.engines.base import Grant, Trust
from clusters.engines.local import network
from clusters.engines.local.pki import Authority
from tests.engines.local.conftest import Running
from tests.engines.rig import eventually

pytestmark = pytest.mark.real
GRANTS = [Grant("payments:admin", "admin"), Grant("payments:developer", "edit")]
NAMESPACE = "/api/v1/namespaces/default/configmaps"


class Issuer:
    """An issuer on this host's loopback, with its own keys and authority."""

    def __init__(self, folder: Path) -> None:
        authority = Authority.make("issuer-ca")
        issued = authority.server("issuer", ["127.0.0.1", "localhost"])
        (folder / "pair.pem").write_bytes(issued.certificate + issued.key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "pair.pem")
        self.authority = authority.pem.certificate.decode()
        self.keys = [rsa.generate_private_key(public_exponent=65537, key_size=2048)]
        issuer = self

        class Pages(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                bodies = {
                    "/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys"},
                    "/keys": {"keys": [described(key) for key in issuer.keys]},
                }
                self.send_response(200 if self.path in bodies else 404)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(bodies.get(self.path)).encode())

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_address[1]}"

    def trust(self, audience: str) -> Trust:
        return Trust(issuer=self.url, authority=self.authority, audience=audience)

    def token(self, audience: str, *groups: str, **other: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": audience, "sub": "7", "preferred_username": "li.na", "groups": groups,
            "iat": now, "exp": now + 300, "jti": uuid4().hex, **other,
        }  # fmt: skip
        name, key = described(self.keys[-1])["kid"], self.keys[-1]
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": name})


def described(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    """Return the public key (JWK) under a name that follows from it."""
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"kid": public["n"][:16], **public}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    issuer = Issuer(tmp_path_factory.mktemp("issuer"))
    thread = threading.Thread(target=issuer.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield issuer
    issuer.server.shutdown()
    thread.join()
    issuer.server.server_close()


@pytest.fixture(scope="module")
def trusting(shared: Running, issuer: Issuer) -> Running:
    """Return the cluster, made without it, once it trusts the issuer; no process but the door was replaced."""
    shared.rig.until_settled(shared.wanted)
    cluster = shared
    before = cluster.processes()
    wanted = replace(cluster.wanted, trust=issuer.trust(str(cluster.wanted.id)), grants=GRANTS)
    assert cluster.rig.make().follow(wanted)
    token = issuer.token(str(cluster.wanted.id))
    eventually(lambda: known(cluster, token) == "pks:li.na", "the API server believes the issuer")
    after = cluster.processes()
    assert {name for name in before if before[name] != after.get(name)} <= {"haproxy"}
    return replace(cluster, wanted=wanted)


def known(cluster: Running, token: str) -> str | None:
    return cluster.rig.make().identify(cluster.wanted, token)


def ask(cluster: Running, token: str, method: str, path: str, body: Any = None) -> int:
    context = ssl.create_default_context(cafile=str(cluster.layout.secrets / "ca.crt"))
    link = http.client.HTTPSConnection(cluster.net.door, network.API, timeout=10, context=context)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    link.request(method, path, json.dumps(body) if body else None, headers)
    status = link.getresponse().status
    link.close()
    return status


def config_map(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def test_a_token_opens_its_own_cluster_only(trusting: Running, issuer: Issuer) -> None:
    mine = str(trusting.wanted.id)
    assert known(trusting, issuer.token(mine)) == "pks:li.na"
    assert known(trusting, issuer.token("another-cluster")) is None
    assert known(trusting, issuer.token(mine)[:-8] + "AAAAAAAA") is None
    now = int(time.time())
    assert known(trusting, issuer.token(mine, iat=now - 900, exp=now - 600)) is None
    assert known(trusting, issuer.token(mine, exp=now + 3600)) is None, "longer than the portal's live"
    assert known(trusting, issuer.token(mine, "x", groups=["system:masters"])) == "pks:li.na"
    assert ask(trusting, issuer.token(mine, "system:masters"), "GET", "/api/v1/secrets") == 403


def test_nobody_passes_for_a_certificate(trusting: Running, issuer: Issuer) -> None:
    for level in ("view", "edit", "admin"):
        named = f"li.na:{level}:0123456789abcdef"
        assert known(trusting, issuer.token(str(trusting.wanted.id), preferred_username=named)) is None


def test_rights_are_those_of_the_groups(trusting: Running, issuer: Issuer) -> None:
    mine = str(trusting.wanted.id)
    nobody, other, edits, rules = (
        issuer.token(mine, *groups) for groups in ((), ("retail:admin",), ("payments:developer",), ("payments:admin",))
    )
    for token in (nobody, other):
        assert ask(trusting, token, "GET", NAMESPACE) == 403
    assert ask(trusting, edits, "POST", NAMESPACE, config_map("of-a-developer")) == 201
    assert ask(trusting, edits, "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles") == 403
    assert ask(trusting, rules, "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles") == 200


def test_the_systems_namespaces_are_the_administrators(trusting: Running, issuer: Issuer) -> None:
    """The admission policy knows levels of certificates by name, of tokens by group."""
    mine, path = str(trusting.wanted.id), "/api/v1/namespaces/kube-system/configmaps"
    edits = issuer.token(mine, "payments:developer")
    rules = issuer.token(mine, "payments:admin")
    eventually(lambda: ask(trusting, edits, "POST", path, config_map("never")) == 422, "the policy is in force")
    eventually(lambda: ask(trusting, rules, "POST", path, config_map("allowed")) in {201, 409}, "for others only")


def test_what_is_not_granted_any_more_ends_at_once(trusting: Running, issuer: Issuer) -> None:
    edits = issuer.token(str(trusting.wanted.id), "payments:developer")
    assert ask(trusting, edits, "GET", NAMESPACE) == 200
    trusting.rig.make().follow(replace(trusting.wanted, grants=GRANTS[:1]))
    eventually(lambda: ask(trusting, edits, "GET", NAMESPACE) == 403, "the binding is gone", patience=5)
    trusting.rig.make().follow(trusting.wanted)
    eventually(lambda: ask(trusting, edits, "GET", NAMESPACE) == 200, "the binding is back", patience=5)


def test_following_what_is_there_changes_nothing(trusting: Running) -> None:
    before = trusting.processes(), (trusting.layout.home / "haproxy.cfg").stat().st_mtime_ns
    assert trusting.rig.make().follow(trusting.wanted)
    assert (trusting.processes(), (trusting.layout.home / "haproxy.cfg").stat().st_mtime_ns) == before
