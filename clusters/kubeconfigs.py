"""Kubeconfig files as text: one that asks `pks` for a token, and several in one."""

import base64
import json
from collections.abc import Sequence
from typing import Any

from clusters.models import Cluster

EXEC = "client.authentication.k8s.io/v1"
HINT = "Install the portal's command line and sign in: pks login -a URL -u USER"


def exec_text(cluster: Cluster, kubeconfig_id: str) -> str:
    """Return a kubeconfig without any secret: kubectl asks `pks token` who is signed in."""
    entry = cluster.name
    authority = base64.b64encode(cluster.authority.encode()).decode()
    user = {
        "exec": {
            "apiVersion": EXEC,
            "command": "pks",
            "args": ["token", "--cluster", str(cluster.pk), "--kubeconfig", kubeconfig_id],
            "interactiveMode": "Never",
            "provideClusterInfo": False,
            "installHint": HINT,
        }
    }
    body = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": entry, "cluster": {"server": cluster.endpoint, "certificate-authority-data": authority}}],
        "users": [{"name": entry, "user": user}],
        "contexts": [{"name": entry, "context": {"cluster": entry, "user": entry}}],
        "current-context": entry,
    }
    return json.dumps(body, indent=2)


def merged(issued: Sequence[tuple[Cluster, str]]) -> str:
    """Return several clusters' kubeconfigs (JSON) as one, with a context for each, named after it."""
    names = [cluster.name for cluster, _text in issued]
    whole: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []}
    for cluster, text in issued:
        name = cluster.name if names.count(cluster.name) == 1 else f"{cluster.tenant.slug}-{cluster.name}"
        one = json.loads(text)
        whole["clusters"].append({"name": name, "cluster": one["clusters"][0]["cluster"]})
        whole["users"].append({"name": name, "user": one["users"][0]["user"]})
        whole["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
    whole["current-context"] = whole["contexts"][0]["name"]
    return json.dumps(whole, indent=2)
