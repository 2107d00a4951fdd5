"""`pks token`: what kubectl runs to learn who is signed in (an exec credential plugin of client-go).

The token lives five minutes and is kept, for its owner only, until a minute before its end, so that kubectl's next call
need not ask the portal again.
"""

import json
import re
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pks_portal import files
from pks_portal.cli import finding, options, show
from pks_portal.cli import profile as profiles
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

API = "client.authentication.k8s.io/v1"
EARLY_SECONDS = 60
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def token(
    *,
    cluster: Annotated[str, typer.Option("--cluster", metavar="CLUSTER", help=say("The cluster's id or name."))],
    kubeconfig: Annotated[str, typer.Option("--kubeconfig", metavar="ID", help=say("The kubeconfig that asks."))] = "",
    tenant: options.Tenant = None,
) -> None:
    portal = Portal()
    kept = _place(portal.profile.user, cluster, kubeconfig)
    made = _read(kept)
    if made is None:
        found = cluster if ID.fullmatch(cluster) else finding.cluster(portal, cluster, tenant)["id"]
        body = {"kubeconfig": kubeconfig} if kubeconfig else {}
        made = portal.send("POST", f"/api/v1/clusters/{found}/token", body)
        _keep(kept, made)
    status = {"token": made["token"], "expirationTimestamp": made["expires_at"]}
    show.line(json.dumps({"apiVersion": API, "kind": "ExecCredential", "status": status}))


def _place(*parts: str) -> Path:
    """Return the file of one person's token for one cluster; a name is not trusted to be fit for a path."""
    import hashlib  # noqa: PLC0415

    return profiles.home() / "tokens" / hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _read(path: Path) -> dict[str, Any] | None:
    """Return a kept token that is good for a while, None otherwise."""
    try:
        made: dict[str, Any] = json.loads(path.read_text("utf-8"))
        ends = datetime.fromisoformat(made["expires_at"]).timestamp()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return made if ends - time.time() > EARLY_SECONDS else None


def _keep(path: Path, made: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write(path, json.dumps({"token": made["token"], "expires_at": made["expires_at"]}))
    except OSError:
        return  # it is asked for again next time
