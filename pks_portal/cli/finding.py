"""Names as people use them, turned into the portal's ids."""

from typing import Any

from pks_portal.cli.failures import Misused, Refused
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

Cluster = dict[str, Any]


def cluster(portal: Portal, name: str, tenant: str | None) -> Cluster:
    """Return the cluster of that name in the tenant, else in the profile's tenant, else the only one there is.

    Raises Refused if there is none, or more than one to choose from.
    """
    found = [item for item in portal.every("/api/v1/clusters", name=name, tenant=tenant) if item["name"] == name]
    mine = [item for item in found if item["tenant"] == portal.profile.tenant]
    if len(mine) == 1:
        return mine[0]
    if len(found) == 1:
        return found[0]
    if not found:
        detail = say("Cluster {name} not found", name=name)
        raise Refused(detail, document={"type": "urn:pks-cli:not-found", "status": 404, "detail": detail})
    candidates = [f"{item['tenant']}/{item['name']}" for item in found]
    detail = say("More than one tenant has a cluster {name}: {found}.", name=name, found=", ".join(candidates))
    advice = say("Name the tenant with --tenant.")
    problem = {"type": "urn:pks-cli:ambiguous", "status": 409, "detail": detail, "next": advice}
    raise Refused(detail, advice, {**problem, "candidates": candidates})


def tenant(portal: Portal, given: str | None) -> str:
    """Return the tenant given, else the profile's, else the only one. Raises Misused if there are several."""
    if chosen := given or portal.profile.tenant:
        return chosen
    mine = [item["slug"] for item in portal.get("/api/v1/me")["tenants"]]
    if len(mine) == 1:
        return str(mine[0])
    advice = say("Name the tenant with --tenant.")
    if mine:
        raise Misused(say("You have more than one tenant: {tenants}.", tenants=", ".join(mine)), advice)
    raise Misused(say("You have no tenant."), advice)


def fewest_nodes(portal: Portal, plan: str) -> int:
    """Return how many nodes the plan has at least; the portal itself refuses a plan that it does not know."""
    plans = portal.every("/api/v1/plans")
    return next((int(item["min_nodes"]) for item in plans if item["slug"] == plan), 1)
