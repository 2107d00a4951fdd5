"""Whom a cluster believes besides its own certificates: the portal as OpenID Connect issuer, and what roles may do.

`trust.json` keeps what is to be trusted, so that whoever starts the cluster again writes the same configuration. The
API server reads `authentication.json` anew when it changes. It lives in a network of its own, so the front door also
listens inside, at the issuer's own address, and passes that on: to the issuer's public keys and nothing else here.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from clusters.engines.base import Grant, Trust
from clusters.engines.local import guard
from clusters.engines.local.api import Api
from clusters.engines.local.layout import Layout
from clusters.engines.local.roles import PATH
from pks_portal.errors import Invalid
from pks_portal.files import write

BINDINGS = f"{PATH}/clusterrolebindings"
LEVELS = {"view": "view", "edit": guard.EDIT, "admin": "cluster-admin"}
GRANTS = "pks-portal:group:"
OURS = "pks-portal.io/grant"
LONGEST_LIFE = 600  # seconds of a token
CREDENTIAL = "pks-portal.io/credential"
LOOPBACK = {"localhost", "127.0.0.1"}


def keep(layout: Layout, trust: Trust | None) -> bool:
    """Remember what is to be trusted; say whether that is something else than before. Raises Invalid."""
    if trust == kept(layout):
        return False
    if trust is not None:
        _port(trust)
    write(layout.home / "trust.json", json.dumps(asdict(trust) if trust else None))
    return True


def kept(layout: Layout) -> Trust | None:
    """Return what is to be trusted, None where nothing was said."""
    try:
        found = json.loads((layout.home / "trust.json").read_bytes())
    except FileNotFoundError:
        return None
    return Trust(**found) if found else None


def port(layout: Layout) -> int | None:
    """Return at which port of the host's loopback the issuer is, None where the cluster trusts none."""
    trust = kept(layout)
    return _port(trust) if trust else None


def authentication(trust: Trust | None) -> dict[str, Any]:
    """Return the API server's AuthenticationConfiguration. Who is nobody may ask for health and nothing else."""
    paths = [{"path": path} for path in ("/livez", "/readyz", "/healthz")]
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [_issuer(trust)] if trust else [],
        "anonymous": {"enabled": True, "conditions": paths},
    }


def grant(api: Api, grants: Sequence[Grant]) -> None:
    """Give groups and people exactly these levels; what was given before and is not wanted now is taken away first."""
    wanted = {_name(one): one for one in grants}
    found = api.get(f"{BINDINGS}?labelSelector={OURS}").get("items", [])
    for name in {item["metadata"]["name"] for item in found} - wanted.keys():
        api.delete(f"{BINDINGS}/{name}")
    if any(one.level == "edit" for one in grants):
        guard.ensure_edit(api)
    guard.ensure_policy(api, [guard.USER + one.group for one in grants if one.level == "admin"])
    for name, one in wanted.items():
        api.put(BINDINGS, _binding(name, one))


def _port(trust: Trust) -> int:
    parts = urlsplit(trust.issuer)
    if parts.hostname not in LOOPBACK or parts.scheme != "https":
        raise Invalid("engine.issuer_elsewhere", issuer=trust.issuer)
    return parts.port or 443


def _issuer(trust: Trust) -> dict[str, Any]:
    return {
        "issuer": {
            "url": trust.issuer,
            "audiences": [trust.audience],
            **({"certificateAuthority": trust.authority} if trust.authority else {}),
        },
        "claimValidationRules": [
            {
                "expression": f"claims.exp - claims.iat <= {LONGEST_LIFE}",
                "message": "The token lives longer than the portal's do.",
            }
        ],
        "claimMappings": {
            "username": {"claim": "preferred_username", "prefix": guard.USER},
            "groups": {"claim": "groups", "prefix": guard.USER},
            "uid": {"claim": "sub"},
            "extra": [{"key": CREDENTIAL, "valueExpression": "claims.jti"}],
        },
        "userValidationRules": [
            {
                "expression": "!user.groups.exists(group, group.startsWith('system:'))",
                "message": "Groups of the system are not given by the portal.",
            },
            {
                "expression": f"!user.username.matches('^{guard.USER}.*:({'|'.join(LEVELS)}):[0-9a-f]{{16}}$')",
                "message": "This is the name of a certificate.",
            },
        ],
    }


def _name(one: Grant) -> str:
    """Return a binding's name: readable, and one for each pair of group and level, whatever is in the group's name."""
    digest = hashlib.sha256(f"{one.level} {one.group}".encode()).hexdigest()[:10]
    return f"{GRANTS}{one.level}:{digest}"


def _binding(name: str, one: Grant) -> Mapping[str, Any]:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/managed-by": "pks-portal", OURS: one.level},
        },
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": LEVELS[one.level]},
        "subjects": [{"kind": "Group", "name": guard.USER + one.group, "apiGroup": group}],
    }
