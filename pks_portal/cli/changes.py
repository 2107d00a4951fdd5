"""`pks create-cluster`, `resize`, `delete-cluster`: ask for a change, and follow it if told to."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from pks_portal.cli import finding, following, options, preview, show
from pks_portal.cli.clusters import print_cluster
from pks_portal.cli.failures import Misused, Refused
from pks_portal.cli.quotas import print_held
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

CLUSTERS = "/api/v1/clusters"


def create_cluster(
    name: options.Cluster,
    *,
    plan: options.Plan,
    num_nodes: Annotated[
        int | None,
        typer.Option("-n", "--num-nodes", help=say("How many worker nodes; the plan's fewest if not given.")),
    ] = None,
    external_hostname: Annotated[
        str | None, typer.Option("-e", "--external-hostname", help=say("A host name for the API server's certificate."))
    ] = None,
    version: options.Version = None,
    tenant: options.Tenant = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="K=V", help=say("A label; may be repeated."))
    ] = None,
    cloud: Annotated[str | None, typer.Option("--cloud", help=say("Where the cluster runs."))] = None,
    request: options.Request = False,
    reason: options.Reason = "",
    least: options.Least = None,
    dry_run: options.DryRun = False,
    wait: options.Wait = False,
    watch: options.Watch = False,
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    portal = Portal()
    optional = {
        "version": version and version.removeprefix("v"),
        "cloud": cloud,
        "external_hostname": external_hostname,
        "labels": _labels(label or []),
    }
    wish = {
        "tenant": finding.tenant(portal, tenant),
        "name": name,
        "plan": plan,
        "nodes": finding.fewest_nodes(portal, plan) if num_nodes is None else num_nodes,
        **{key: value for key, value in optional.items() if value},
    }
    if dry_run:
        return preview.show_preview(portal.send("POST", CLUSTERS, wish, dry_run="true"))
    asking = _asking(request=request, reason=reason, least=least)
    return _follow(portal, _start(portal, "POST", CLUSTERS, wish, asking), wait=wait, watch=watch)


def resize(
    name: options.Cluster,
    *,
    num_nodes: options.Nodes,
    tenant: options.Tenant = None,
    request: options.Request = False,
    reason: options.Reason = "",
    least: options.Least = None,
    dry_run: options.DryRun = False,
    wait: options.Wait = False,
    watch: options.Watch = False,
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    portal = Portal()
    cluster = finding.cluster(portal, name, tenant)
    path = f"{CLUSTERS}/{cluster['id']}"
    if dry_run:
        return preview.show_preview(portal.send("PATCH", path, {"nodes": num_nodes}, dry_run="true"))
    before = cluster["nodes_wanted"]
    question = say("Are you sure you want to resize cluster {name} from {before} to {after} worker nodes?",
                   name=name, before=before, after=num_nodes)  # fmt: skip
    options.confirm(question, non_interactive=non_interactive)
    asking = _asking(request=request, reason=reason, least=least)
    started = _start(portal, "PATCH", path, {"nodes": num_nodes}, asking)
    return _follow(portal, started, wait=wait, watch=watch)


def delete_cluster(
    name: options.Cluster,
    *,
    tenant: options.Tenant = None,
    wait: options.Wait = False,
    watch: options.Watch = False,
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    portal = Portal()
    cluster = finding.cluster(portal, name, tenant)
    question = say("Are you sure you want to delete cluster {name}?", name=f"{cluster['tenant']}/{name}")
    options.confirm(question, non_interactive=non_interactive)
    started = portal.send("DELETE", f"{CLUSTERS}/{cluster['id']}")
    _follow(portal, {"cluster": cluster, **started}, wait=wait, watch=watch)


def _asking(*, request: bool, reason: str, least: int | None) -> dict[str, Any]:
    """Return how a wish over the quota is asked for, as the body has it. Raises Misused without --request."""
    if not request:
        if reason or least is not None:
            raise Misused(say("--reason and --least go with --request."))
        return {}
    return {"request": {"reason": reason} | ({} if least is None else {"least": least})}


def _start(portal: Portal, method: str, path: str, wish: Mapping[str, Any], asking: Mapping[str, Any]) -> Any:
    """Send a wish. Raises Refused, with the way to ask for the quota where that is what it lacks."""
    try:
        return portal.send(method, path, {**wish, **asking}, **({"request": "true"} if asking else {}))
    except Refused as refusal:
        if refusal.document.get("code") != "quota-exceeded":
            raise
        advice = say("Ask for less, free something, or ask for the quota: the same command with --request.")
        raise Refused(refusal.detail, advice, refusal.document) from None


def _follow(portal: Portal, started: Mapping[str, Any], *, wait: bool, watch: bool) -> None:
    """Print what was started; with --wait or --watch, how it ended. Raises Refused if it did not succeed."""
    task, cluster = started["task"], started["cluster"]
    if not (wait or watch):
        if show.mode.json:
            return show.data(started)
        if started.get("request"):
            return print_held(dict(started))
        print_cluster({**cluster, "task": task})
        show.line()
        return show.line(say("Use 'pks cluster {name}' to monitor the state of your cluster", name=cluster["name"]))
    task = following.to_the_end(portal, task, watch=watch)
    after = _reread(portal, task["subject"]["id"])
    if show.mode.json:
        show.data({"task": task, "cluster": after}, compact=watch)
    elif after:
        print_cluster(after)
    following.judge(task)
    if cluster and not after and not show.mode.json:
        show.line(say("Cluster {name} is deleted.", name=cluster["name"]))
    return None


def _reread(portal: Portal, cluster: str) -> dict[str, Any] | None:
    """Return the cluster as it is now, or None when it is gone."""
    try:
        found: dict[str, Any] = following.patiently(lambda: portal.get(f"{CLUSTERS}/{cluster}"), show.note)
    except Refused as refused:
        if refused.document.get("status") == 404:  # noqa: PLR2004
            return None
        raise
    return found


def _labels(given: list[str]) -> dict[str, str]:
    """Return "key=value" texts as a mapping. Raises Misused."""
    labels = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not sign or not key:
            raise Misused(say("A label is written key=value, not “{text}”.", text=text))
        if key in labels:
            raise Misused(say("The label “{key}” is given twice.", key=key))
        labels[key] = value
    return labels
