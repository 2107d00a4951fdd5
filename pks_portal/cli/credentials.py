"""`pks get-credentials`, `pks kubeconfigs`, `pks revoke-kubeconfig`: what lets kubectl into clusters."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pks_portal.cli import finding, kubeconfig, options, show
from pks_portal.cli.failures import Failure, Misused, Refused
from pks_portal.cli.identity import ID
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

KUBECONFIGS = "/api/v1/kubeconfigs"
Issued = dict[str, Any]


def get_credentials(
    names: options.Clusters,
    *,
    tenant: options.Tenant = None,
    level: Annotated[str | None, typer.Option("--level", help=say("view, edit or admin."))] = None,
    exec_: Annotated[
        bool, typer.Option("--exec", help=say("A kubeconfig without a secret: kubectl asks pks who is signed in."))
    ] = False,
    hours: Annotated[int | None, typer.Option("--hours", help=say("For how many hours it is valid."))] = None,
    path: Annotated[
        Path | None,
        typer.Option(
            "--kubeconfig", metavar="PATH", help=say("Merge into this file; - prints the kubeconfig instead.")
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    portal = Portal()
    found = [finding.cluster(portal, name, tenant) for name in dict.fromkeys(names)]
    wish = {"level": level, "hours": hours, "kind": "exec" if exec_ else None}
    body = {key: value for key, value in wish.items() if value is not None}
    if not json:
        for cluster in found:
            show.note(say("Fetching credentials for cluster {name}.", name=cluster["name"]))
    text, issued, refused = _asked(portal, found, body)
    if str(path) == "-":
        show.line(text)
    else:
        _kept(kubeconfig.target(path), text, issued, json=json)
    if refused:
        for one in refused:
            show.note(f"{one['tenant']}/{one['name']}: {one['detail']}")
        missing = ", ".join(one["name"] for one in refused)
        raise Refused(say("Not for every cluster: {missing} is missing.", missing=missing))


def _asked(portal: Portal, found: list[Issued], body: Issued) -> tuple[str, list[Issued], list[Issued]]:
    """Ask for a kubeconfig; return its text, what was issued (with `context` and `entry`), and what was refused."""
    if len(found) == 1:
        one = portal.send("POST", f"/api/v1/clusters/{found[0]['id']}/kubeconfigs", body)
        rows = [{**one, "cluster_name": found[0]["name"], "tenant": found[0]["tenant"]}]
        text, refused = rows[0].pop("kubeconfig"), []
    else:
        made = portal.send("POST", KUBECONFIGS, {**body, "clusters": [cluster["id"] for cluster in found]})
        text, rows, refused = made["kubeconfig"], made["issued"], made["refused"]
    names = [row["cluster_name"] for row in rows]
    for row in rows:
        name = row["cluster_name"]
        row["context"] = name if names.count(name) == 1 else f"{row['tenant']}-{name}"
        row["entry"] = f"{row['tenant']}/{name}"
    return text, rows, refused


def _kept(file: Path, text: str, issued: list[Issued], *, json: bool) -> None:
    """Merge the kubeconfig into a file and say so."""
    before = kubeconfig.merge_all(file, text, [(row["context"], row["entry"]) for row in issued])
    for row, other in zip(issued, before, strict=True):
        if other:
            show.note(say("The context {name} pointed to {other} before.", name=row["context"], other=other))
    if json:
        keys = ("id", "name", "level", "expires_at", "context")
        facts = [{**{key: row.get(key) for key in keys}, "path": str(file)} for row in issued]
        return show.data(facts[0] if len(facts) == 1 else facts)
    for row in issued:
        show.line(say("Context set for cluster {name}.", name=row["cluster_name"]))
    first = issued[0]
    show.facts(
        [
            (say("File"), file),
            (say("Level"), first["level"]),
            (say("Valid until"), show.moment(first["expires_at"])),
        ]
    )
    show.line()
    show.line(say("You can now switch between clusters by using:"))
    return show.line("$kubectl config use-context <cluster-name>")


def kubeconfigs(
    tenant: options.Tenant = None,
    cluster: Annotated[str | None, typer.Option("--cluster", metavar="NAME", help=say("Only of that cluster."))] = None,
    holder: Annotated[str | None, typer.Option("--holder", metavar="USER", help=say("Only of that person."))] = None,
    everything: Annotated[bool, typer.Option("--all", help=say("Expired and revoked ones too."))] = False,
    json: options.Json = False,
) -> None:
    portal = Portal()
    found = finding.cluster(portal, cluster, tenant)["id"] if cluster else None
    state = None if everything else "valid"
    items = portal.every(KUBECONFIGS, tenant=tenant, cluster=found, holder=holder, state=state)
    if json:
        return show.data(items)
    headers = [
        say("Cluster"), say("Tenant"), say("Holder"), say("Kind"), say("Level"), say("Expires"), say("Last used"),
        "UUID",
    ]  # fmt: skip
    rows = [
        [
            item["cluster_name"], item["tenant"], item["holder"], item["kind"], item["level"], _end(item), _use(item),
            item["id"],
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def revoke_kubeconfig(
    identifier: Annotated[
        str | None, typer.Argument(metavar="[ID]", help=say("The kubeconfig's id (pks kubeconfigs)."))
    ] = None,
    *,
    mine: Annotated[bool, typer.Option("--mine", help=say("All that are yours."))] = False,
    cluster: Annotated[str | None, typer.Option("--cluster", metavar="NAME", help=say("All of that cluster."))] = None,
    holder: Annotated[str | None, typer.Option("--holder", metavar="USER", help=say("All of that person."))] = None,
    tenant: options.Tenant = None,
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    chosen = {"id": identifier, "mine": mine, "cluster": cluster, "holder": holder}
    wish = {key: value for key, value in chosen.items() if value}
    if len(wish) != 1:
        raise Misused(say("Name one: an id, --mine, --cluster or --holder."))
    if identifier and not ID.fullmatch(identifier):
        raise Misused(say("“{text}” is not the id of a kubeconfig (pks kubeconfigs).", text=identifier))
    portal = Portal()
    if cluster:
        wish["cluster"] = finding.cluster(portal, cluster, tenant)["id"]
    options.confirm(_which(cluster, holder, mine=mine), non_interactive=non_interactive)
    if identifier:
        portal.send("DELETE", f"{KUBECONFIGS}/{identifier}")
        answer: Issued = {"revoked": [identifier], "failed": []}
    else:
        answer = portal.send("POST", f"{KUBECONFIGS}/revoke", wish)
    _told(answer, json=json)


def _told(answer: Issued, *, json: bool) -> None:
    """Say what was revoked. Raises Failure for what still opens its cluster."""
    if json:
        show.data(answer)
    else:
        show.line(say("Revoked: {number}.", number=len(answer["revoked"])))
    if failed := answer["failed"]:
        for one in failed:
            show.note(f"{one['id']}: {one['detail']}")
        raise Failure(say("{number} could not be revoked.", number=len(failed)))


def _end(item: Issued) -> str:
    return say("revoked") if item["revoked_at"] else show.moment(item["expires_at"])


def _use(item: Issued) -> str:
    """Return when it was last used; of a certificate that is not known, of the other kind the portal knows."""
    if item["kind"] == "certificate":
        return say("not known")
    return show.moment(item["last_used_at"]) or say("never")


def _which(cluster: str | None, holder: str | None, *, mine: bool) -> str:
    """Return the question before something is revoked."""
    if mine:
        return say("Are you sure you want to revoke all your own kubeconfigs?")
    if holder:
        return say("Are you sure you want to revoke all kubeconfigs of {name}?", name=holder)
    if cluster:
        return say("Are you sure you want to revoke all kubeconfigs of cluster {name}?", name=cluster)
    return say("Are you sure you want to revoke this?")
