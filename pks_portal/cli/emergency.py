"""`pks emergency-access`: a platform administrator enters a tenant's cluster for a while, or ends that."""

from pathlib import Path
from typing import Annotated

import typer

from pks_portal.cli import finding, kubeconfig, options, show
from pks_portal.cli.failures import Misused
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say


def emergency_access(
    name: options.Cluster,
    *,
    reason: Annotated[
        str, typer.Option("--reason", help=say("Why: the tenant's administrators are told, and it is audited."))
    ] = "",
    minutes: Annotated[int | None, typer.Option("--minutes", help=say("For how many minutes, 5 to 60."))] = None,
    end: Annotated[
        bool, typer.Option("--end", help=say("End your access; if you have none, everybody's that is open."))
    ] = False,
    tenant: options.Tenant = None,
    path: Annotated[
        Path | None,
        typer.Option(
            "--kubeconfig", metavar="PATH", help=say("Merge into this file; - prints the kubeconfig instead.")
        ),
    ] = None,
    non_interactive: options.NonInteractive = False,
    json: options.Json = False,
) -> None:
    if end == bool(reason):
        raise Misused(say("Say why with --reason, or end it with --end."))
    portal = Portal()
    found = finding.cluster(portal, name, tenant)
    address = f"/api/v1/clusters/{found['id']}/emergency"
    if end:
        portal.send("DELETE", address)
        return show.data({"ended": True}) if json else show.line(say("The emergency access has ended."))
    whole = f"{found['tenant']}/{name}"
    question = say("Enter cluster {name} as its administrator? The tenant's administrators are told.", name=whole)
    options.confirm(question, non_interactive=non_interactive)
    entered = portal.send("POST", address, {"reason": reason, **({"minutes": minutes} if minutes is not None else {})})
    text = entered.pop("kubeconfig")
    if str(path) == "-":
        return show.line(text)
    file, context = kubeconfig.target(path), f"{name}-emergency"
    kubeconfig.merge(file, text, context=context, entry=f"{whole}-emergency")
    if json:
        return show.data({**entered, "context": context, "path": str(file)})
    show.line(say("You are in cluster {name}.", name=whole))
    return show.facts(
        [(say("File"), file), (say("Context"), context), (say("Valid until"), show.moment(entered["ends_at"]))]
    )
