"""Kubeconfigs for people.

Each has a client certificate of its own, without any group, and one binding that gives it its rights. Revoking deletes
the binding; the certificate may live on and opens nothing.
"""

import http.client
import json
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from clusters.engines.base import Credential
from clusters.engines.local import guard, network
from clusters.engines.local.api import SYSTEM, TIMEOUT, Api
from clusters.engines.local.layout import Layout
from clusters.engines.local.network import Network
from clusters.engines.local.pki import Authority, kubeconfig
from clusters.engines.local.trust import BINDINGS, LEVELS
from pks_portal.errors import Invalid, Unavailable

PREFIX = "pks-portal:"
HOLDER = "pks-portal.io/holder"
EXPIRES = "pks-portal.io/expires"
REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
REVIEW = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
LONGEST_NAME = 64  # of a common name in X.509


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be issued, see Engine.credentials; `name` is 16 hexadecimal digits that nothing else had."""

    holder: str
    level: str
    ttl: timedelta
    name: str


def issue(layout: Layout, net: Network, cluster: str, asked: Asked) -> Credential:
    """Issue a credential: first its binding, so that it works from the moment it is handed out.

    `cluster`: its name, which the context gets. Raises Invalid for an unknown level, Unavailable while the API does not
    take what the level needs.
    """
    if asked.level not in LEVELS:
        raise Invalid("engine.unknown_level", field="level", level=asked.level, offered=", ".join(LEVELS))
    user = guard.user(asked.holder, asked.level, asked.name, longest=LONGEST_NAME)
    expires = datetime.now(UTC).replace(microsecond=0) + asked.ttl
    api = Api(layout, net)
    guard.ensure_policy(api)
    if asked.level == "edit":
        guard.ensure_edit(api)
    api.create(BINDINGS, _binding(asked, user, expires))
    authority = Authority.load(layout.secrets / "ca.crt", layout.secrets / "ca.key")
    issued = authority.client(user, life=asked.ttl)
    text = kubeconfig(net.endpoint, authority.pem.certificate, user, issued, context=cluster)
    return Credential(name=asked.name, kubeconfig=text, expires=expires)


def identify(layout: Layout, net: Network, token: str) -> str | None:
    """Return as whom the API knows the bearer of a token, None where it refuses it. Raises Unavailable."""
    context = ssl.create_default_context(cafile=str(layout.secrets / "ca.crt"))
    connection = http.client.HTTPSConnection(net.door, network.API, timeout=TIMEOUT, context=context)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request("POST", REVIEWS, json.dumps(REVIEW), headers)
        with connection.getresponse() as response:
            body = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unavailable("engine.api_silent", system=SYSTEM, cause=str(error), endpoint=net.endpoint) from error
    finally:
        connection.close()
    if response.status == http.HTTPStatus.UNAUTHORIZED:
        return None
    return str(body.get("status", {}).get("userInfo", {}).get("username", "")) or None


def revoke(layout: Layout, net: Network, name: str) -> None:
    """Take an issued credential's rights away; nothing happens if they are gone."""
    Api(layout, net).delete(f"{BINDINGS}/{PREFIX}{name}")


def _binding(asked: Asked, user: str, expires: datetime) -> dict[str, object]:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {
            "name": PREFIX + asked.name,
            "labels": {"app.kubernetes.io/managed-by": "pks-portal"},
            "annotations": {HOLDER: asked.holder, EXPIRES: expires.isoformat()},
        },
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": LEVELS[asked.level]},
        "subjects": [{"kind": "User", "name": user, "apiGroup": group}],
    }
