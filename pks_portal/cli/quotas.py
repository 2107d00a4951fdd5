"""`pks quotas`, `quota-requests`, `request-quota`, `approve-request`, `reject-request`: how much, and who decides."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from pks_portal.cli import finding, options, show
from pks_portal.cli.failures import Misused
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

REQUESTS = "/api/v1/quota-requests"
Request = Annotated[str, typer.Argument(metavar="ID", help=say("The request's id (pks quota-requests)."))]
Amount = int | None
Clusters = Annotated[Amount, typer.Option("--clusters", min=0, help=say("How many clusters."))]
Nodes = Annotated[Amount, typer.Option("--nodes", min=0, help=say("How many worker nodes."))]
Vcpu = Annotated[Amount, typer.Option("--vcpu", min=0, help=say("How many vCPU."))]
Memory = Annotated[Amount, typer.Option("--memory-gib", min=0, help=say("How much memory, in GiB."))]
Storage = Annotated[Amount, typer.Option("--storage-gib", min=0, help=say("How much storage, in GiB."))]
Registry = Annotated[Amount, typer.Option("--registry-gib", min=0, help=say("How much registry storage, in GiB."))]


def _kinds() -> dict[str, str]:
    """Return each kind of quota with its heading."""
    return {
        "clusters": say("Clusters"), "nodes": say("Nodes"), "vcpu": "vCPU", "memory_gib": say("Memory GiB"),
        "storage_gib": say("Storage GiB"), "registry_gib": say("Registry GiB"),
    }  # fmt: skip


def quotas(tenant: options.Tenant = None, json: options.Json = False) -> None:
    portal = Portal()
    items = [portal.get(f"/api/v1/quotas/{tenant}")] if tenant else portal.every("/api/v1/quotas")
    if json:
        return show.data(items)
    kinds = _kinds()
    rows = [[item["tenant"], *(used_of(item["used"][kind], item["limits"][kind]) for kind in kinds)] for item in items]
    return show.table([say("Tenant"), *kinds.values()], rows)


def used_of(used: int | None, limit: int | None) -> str:
    """Return "used/limit"; what nobody measures is "?", no limit is said."""
    return f"{'?' if used is None else used}/{say('unlimited') if limit is None else limit}"


def quota_requests(
    tenant: options.Tenant = None,
    status: Annotated[
        str | None,
        typer.Option(
            "--status", metavar="S[,S]", help=say("Only requests in these states: pending, approved, rejected, …")
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    items = Portal().every(REQUESTS, tenant=tenant, status=status)
    if json:
        return show.data(items)
    headers = ["ID", say("Tenant"), say("Asked for"), say("For"), say("Asked by"), say("Created"), say("Status")]
    rows = [
        [
            item["id"], item["tenant"], _asked(item), item["wish"] and item["wish"]["title"], item["requester"],
            show.moment(item["created_at"]), item["status_label"],
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def request_quota(
    *,
    reason: Annotated[str, typer.Option("--reason", help=say("Why; whoever decides reads it."))],
    clusters: Clusters = None,
    nodes: Nodes = None,
    vcpu: Vcpu = None,
    memory_gib: Memory = None,
    storage_gib: Storage = None,
    registry_gib: Registry = None,
    tenant: options.Tenant = None,
    json: options.Json = False,
) -> None:
    amounts = _given(clusters, nodes, vcpu, memory_gib, storage_gib, registry_gib)
    if not amounts:
        raise Misused(say("Say how much more of what: --nodes, --vcpu, …"))
    portal = Portal()
    wish = {"tenant": finding.tenant(portal, tenant), "amounts": amounts, "reason": reason}
    _print(portal.send("POST", REQUESTS, wish))


def approve_request(
    request: Request,
    *,
    clusters: Clusters = None,
    nodes: Nodes = None,
    vcpu: Vcpu = None,
    memory_gib: Memory = None,
    storage_gib: Storage = None,
    registry_gib: Registry = None,
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=3650, help=say("For how many days; for good if not given."))
    ] = None,
    comment: Annotated[str, typer.Option("--comment", help=say("What the requester reads."))] = "",
    json: options.Json = False,
) -> None:
    body: dict[str, Any] = {"comment": comment}
    if amounts := _given(clusters, nodes, vcpu, memory_gib, storage_gib, registry_gib):
        body["amounts"] = amounts
    if days:
        body["expires_at"] = (datetime.now(UTC) + timedelta(days=days)).isoformat()
    _print(Portal().send("POST", f"{REQUESTS}/{_id(request)}/approve", body))


def reject_request(
    request: Request,
    *,
    comment: Annotated[str, typer.Option("--comment", help=say("What the requester reads."))],
    json: options.Json = False,
) -> None:
    _print(Portal().send("POST", f"{REQUESTS}/{_id(request)}/reject", {"comment": comment}))


def _id(text: str) -> str:
    """Return an id that is fit for a path. Raises Misused."""
    if not text.replace("-", "").isalnum() or not text.isascii():
        raise Misused(say("“{text}” is not the id of a request (pks quota-requests).", text=text))
    return text


def _given(*amounts: int | None) -> dict[str, int]:
    """Return the amounts that were given, by kind; they come in the order of kinds."""
    return {kind: amount for kind, amount in zip(_kinds(), amounts, strict=True) if amount is not None}


def _asked(item: dict[str, Any]) -> str:
    kinds = _kinds()
    return ", ".join(f"{kinds[line['kind']]} +{line['asked']}" for line in item["amounts"])


def _print(item: dict[str, Any]) -> None:
    """Print a request, or its JSON."""
    if show.mode.json:
        return show.data(item)
    kinds = _kinds()
    granted = ", ".join(f"{kinds[line['kind']]} +{line['granted']}" for line in item["amounts"] if line["granted"])
    return show.facts(
        [
            ("ID", item["id"]),
            (say("Tenant"), item["tenant"]),
            (say("Status"), item["status_label"]),
            (say("Asked for"), _asked(item)),
            (say("Granted"), granted or None),
            (say("Valid until"), show.moment(item["expires_at"]) or None),
            (say("For"), item["wish"]["title"] if item["wish"] else None),
            (say("Task"), item["wish"]["task"] if item["wish"] else None),
            (say("Reason"), item["reason"] or None),
            (say("Comment"), item["comment"] or None),
        ]
    )


def print_held(started: dict[str, Any]) -> None:
    """Print what a change over the quota came to: a task that waits for a request."""
    show.line(say("This is over the quota: it waits for approval, and begins by itself then."))
    show.line()
    _print(started["request"])
    show.line()
    show.line(say("Use 'pks task {task} --watch' to follow it", task=started["task"]["id"]))
