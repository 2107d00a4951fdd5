"""`pks members`, `people`: who has which role in a tenant, and from where; who there is on the platform."""

from typing import Annotated

import typer

from pks_portal.cli import options, show
from pks_portal.cli.failures import Misused
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say


def members(tenant: options.Tenant = None, json: options.Json = False) -> None:
    portal = Portal()
    slug = tenant or portal.profile.tenant
    if not slug:
        raise Misused(say("Name the tenant with -t TENANT."))
    items = portal.every(f"/api/v1/tenants/{slug}/members")
    if json:
        return show.data(items)
    headers = [say("User"), say("Name"), say("Role"), say("Source"), say("Given by"), say("Since")]
    rows = [
        [
            item["username"], item["name"], item["role"], item["group"] or say("by hand"), item["given_by"],
            show.moment(item["given_at"]),
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def people(
    search: Annotated[str | None, typer.Option("--search", help=say("Only people whose name has this in it."))] = None,
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="S", help=say("Only people in this state: active, left or platform.")),
    ] = None,
    json: options.Json = False,
) -> None:
    items = Portal().every("/api/v1/people", search=search, state=state)
    if json:
        return show.data(items)
    headers = ["ID", say("User"), say("Name"), say("State"), say("Roles"), say("Last sign-in")]
    rows = [
        [
            item["id"], item["username"], item["name"], say("active") if item["active"] else say("left"),
            ", ".join([*item["platform_roles"], *(f"{held['tenant']}: {held['role']}" for held in item["tenants"])]),
            show.moment(item["last_login"]),
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)
