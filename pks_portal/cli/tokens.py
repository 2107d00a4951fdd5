"""`pks tokens`: API tokens, one's own or those of a service account."""

from typing import Annotated

import typer

from pks_portal.cli import options, show
from pks_portal.cli.failures import Misused
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say


def tokens(
    account: Annotated[
        str, typer.Option("--account", metavar="NAME", help=say("Those of this service account of the tenant."))
    ] = "",
    tenant: options.Tenant = None,
    json: options.Json = False,
) -> None:
    portal = Portal()
    items = portal.every(_path(account, tenant or portal.profile.tenant))
    if json:
        return show.data(items)
    headers = [say("Name"), say("Scopes"), say("Networks"), say("Last used"), say("From"), say("Expires"), "UUID"]
    rows = [
        [
            item["name"], ", ".join(item["scopes"]), ", ".join(item["networks"]), show.moment(item["last_used_at"]),
            item["last_address"], show.moment(item["expires_at"]), item["id"],
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def _path(account: str, tenant: str) -> str:
    if not account:
        return "/api/v1/me/tokens"
    if not tenant:
        raise Misused(say("Name the tenant with -t TENANT."))
    return f"/api/v1/tenants/{tenant}/service-accounts/{account}/tokens"
