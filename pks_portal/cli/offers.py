"""`pks plans`, `pks versions`, `pks tenants`: what there is to choose from."""

from typing import Any

from pks_portal.cli import options, show
from pks_portal.cli.quotas import used_of
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import language, say


def plans(json: options.Json = False) -> None:
    items = Portal().every("/api/v1/plans")
    if json:
        return show.data(items)
    headers = [say("Name"), say("Description"), say("Control plane"), "vCPU", say("Memory"), say("Worker nodes")]
    rows = [
        [
            plan["slug"], title(plan), plan["control_plane"], plan["vcpu"], f"{plan['memory_gib']} GiB",
            f"{plan['min_nodes']}-{plan['max_nodes']}",
        ]
        for plan in items
    ]  # fmt: skip
    return show.table(headers, rows)


def versions(json: options.Json = False) -> None:
    items = Portal().every("/api/v1/versions")
    if json:
        return show.data(items)
    headers = [say("Version"), say("Default"), say("State"), say("End of life"), ""]
    rows = [
        [
            version["version"], say("yes") if version["default"] else "", version["state"],
            version.get("end_of_life") or version.get("eol"), version.get("text"),
        ]
        for version in items
    ]  # fmt: skip
    return show.table(headers, rows)


def tenants(json: options.Json = False) -> None:
    items = Portal().every("/api/v1/tenants")
    if json:
        return show.data(items)
    items = [tenant for tenant in items if not tenant.get("archived_at")]
    kinds = list({line["kind"]: line["label"] for tenant in items for line in tenant["quota"]}.items())
    rows = [[tenant["slug"], title(tenant), *_quota(tenant, kinds)] for tenant in items]
    return show.table([say("Name"), say("Description"), *(label for _, label in kinds)], rows)


def title(item: dict[str, Any]) -> str:
    """Return a plan's or tenant's name in the person's language."""
    chinese = item.get("name_zh") if language() != "en" else ""
    return str(chinese or item["name"])


def _quota(tenant: dict[str, Any], kinds: list[tuple[str, str]]) -> list[str]:
    """Return "used/limit" for each kind of quota."""
    lines = {line["kind"]: used_of(line["used"], line["limit"]) for line in tenant["quota"]}
    return [lines.get(kind, "") for kind, _ in kinds]
