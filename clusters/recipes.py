"""The same request in other words: what to type or send instead of pressing the button."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import yaml
from django.conf import settings

from clusters.models import Cluster


@dataclass(frozen=True, slots=True)
class Recipe:
    """One request three ways: a `pks` command, a curl command, and the document that is sent (empty: none)."""

    pks: str
    curl: str
    document: str = ""


def create(body: Mapping[str, Any]) -> Recipe:
    """Return how to ask for a cluster; `body` is the API's own."""
    words = ["pks", "create-cluster", body["name"], "-p", body["plan"], "-n", str(body["nodes"])]
    words += ["--kubernetes-version", body["version"], "--tenant", body["tenant"], "--cloud", body["cloud"]]
    if body.get("external_hostname"):
        words += ["--external-hostname", body["external_hostname"]]
    for key, value in body.get("labels", {}).items():
        words += ["--label", f"{key}={value}"]
    words.append("--wait")
    return Recipe(
        pks=shlex.join(words),
        curl=_curl("POST", "/api/v1/clusters", body),
        document=yaml.safe_dump(dict(body), sort_keys=False, allow_unicode=True),
    )


def of_cluster(cluster: Cluster) -> dict[str, Recipe]:
    """Return how to do with an existing cluster what its page does: show, scale, credentials, delete."""
    name, url = shlex.quote(cluster.name), f"/api/v1/clusters/{cluster.pk}"
    tenant = f"--tenant {cluster.tenant.slug}"
    nodes = cluster.nodes + 1
    return {
        "show": Recipe(f"pks cluster {name} {tenant} --json", _curl("GET", url), _wish(cluster)),
        "scale": Recipe(f"pks resize {name} -n {nodes} {tenant} --wait", _curl("PATCH", url, {"nodes": nodes})),
        "credentials": Recipe(
            f"pks get-credentials {name} {tenant}",
            _curl("POST", f"{url}/kubeconfigs", {"level": "edit", "hours": 8}),
        ),
        "delete": Recipe(f"pks delete-cluster {name} {tenant}", _curl("DELETE", url)),
    }


def kubectl(filename: str) -> str:
    """Return the first command to try with a downloaded kubeconfig."""
    return f"kubectl --kubeconfig {shlex.quote(filename)} get nodes"


def readable(kubeconfig: str) -> str:
    """Return a kubeconfig as YAML with one entry a line, which is how people know it."""
    return yaml.safe_dump(yaml.safe_load(kubeconfig), sort_keys=False, allow_unicode=True, width=100_000)


def filename(cluster: Cluster, level: str, kubeconfig: UUID) -> str:
    """Return the name under which a kubeconfig is downloaded: made here, of characters that every system takes."""
    return f"{cluster.name}-{level}-{kubeconfig.hex[:6]}.kubeconfig"


def _wish(cluster: Cluster) -> str:
    wish = {
        "tenant": cluster.tenant.slug,
        "name": cluster.name,
        "plan": cluster.plan.slug,
        "nodes": cluster.nodes,
        "version": cluster.version,
        "cloud": cluster.cloud.slug,
        **({"external_hostname": cluster.external_hostname} if cluster.external_hostname else {}),
        "labels": cluster.labels,
    }
    return yaml.safe_dump(wish, sort_keys=False, allow_unicode=True)


def _curl(method: str, path: str, body: Mapping[str, Any] | None = None) -> str:
    """Return a curl command; the token comes from the environment, never from the line itself."""
    lines = [f"curl -X {method} {settings.PUBLIC_URL}{path}", '-H "Authorization: Bearer $PKS_TOKEN"']
    if body is not None:
        lines += [
            '-H "Content-Type: application/json"',
            f"-d {shlex.quote(json.dumps(dict(body), ensure_ascii=False))}",
        ]
    return " \\\n  ".join(lines)
