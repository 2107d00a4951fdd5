"""`pks members`: who has which role in a tenant, and from where."""

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
