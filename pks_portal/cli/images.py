"""`pks repositories`, `repository`, `images`, `image`: images as they are, and whether they may be pulled."""

from typing import Annotated, Any

import typer

from pks_portal.cli import options, references, show
from pks_portal.cli.failures import Misused
from pks_portal.cli.references import ARTIFACTS, REPOSITORIES
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

SEVERITIES = ("critical", "high", "medium", "low", "negligible", "unknown")
"""The worst first, as REST counts them."""

InProject = Annotated[str | None, typer.Option("--project", metavar="PROJECT", help=say("Only of this project."))]


def repositories(
    project: InProject = None,
    search: Annotated[str | None, typer.Option("--search", help=say("Only with this in the name."))] = None,
    tenant: options.Tenant = None,
    json: options.Json = False,
) -> None:
    items = Portal().every(REPOSITORIES, project=project, q=search, tenant=tenant)
    if json:
        return show.data(items)
    headers = [say("Name"), say("Tenant"), say("Images"), say("Pulls"), say("Changed")]
    rows = [
        [item["name"], item["tenant"], item["artifacts"], item["pulls"], show.moment(item["changed_at"])]
        for item in items
    ]
    return show.table(headers, rows)


def repository(name: references.Repository, json: options.Json = False) -> None:
    portal = Portal()
    found = portal.get(f"{REPOSITORIES}/{references.repository(portal, name)['id']}")
    if json:
        return show.data(found)
    show.facts(
        [
            (say("Name"), found["name"]), (say("Tenant"), found["tenant"]), (say("Images"), found["artifacts"]),
            (say("Pulls"), found["pulls"]), (say("Created"), show.moment(found["created_at"])),
            (say("Changed"), show.moment(found["changed_at"])),
        ]
    )  # fmt: skip
    return show.line(f"\n{found['about']}") if found["about"] else None


def images(
    repository: Annotated[
        str | None, typer.Argument(metavar="PROJECT/NAME", help=say("Only of this repository."))
    ] = None,
    *,
    project: InProject = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="K[,K]", help=say("Only of these kinds: image, index, chart, …"))
    ] = None,
    severity: Annotated[
        str | None, typer.Option("--severity", metavar="S", help=say("Only with a finding as bad or worse: high, …"))
    ] = None,
    scan_state: Annotated[
        str | None, typer.Option("--scan-state", metavar="S[,S]", help=say("Only with scans in these states."))
    ] = None,
    label: Annotated[str | None, typer.Option("--label", metavar="L", help=say("Only with this label."))] = None,
    every: Annotated[bool, typer.Option("--all", help=say("Those of an index, and signatures, too."))] = False,
    tenant: options.Tenant = None,
    json: options.Json = False,
) -> None:
    if severity is not None and severity not in SEVERITIES:
        raise Misused(say("A severity is one of {known}.", known=", ".join(SEVERITIES)))
    items = Portal().every(
        ARTIFACTS, repository=repository, project=project, kind=kind, scan_state=scan_state, tenant=tenant,
        label=label, listed=None if every else "true",
    )  # fmt: skip
    if severity:
        items = [item for item in items if _as_bad(item["findings"], severity)]
    if json:
        return show.data(items)
    headers = [
        say("Repository"), say("Tags"), say("Digest"), say("Kind"), say("Platform"), say("Size"), say("Signed"),
        say("Findings"), say("Pushed"),
    ]  # fmt: skip
    rows = [
        [
            item["repository"], _tags(item), references.short(item["digest"]), item["kind"], platform(item),
            references.size(item["size"]), _signed(item), _worst(item),
            show.moment(item["pushed_at"]),
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def image(name: references.Image, json: options.Json = False) -> None:
    portal = Portal()
    found = portal.get(f"{ARTIFACTS}/{references.image(portal, name)['id']}")
    if json:
        return show.data(found)
    show.facts(_facts(found))
    _children(found["children"])
    return _accessories(found["accessories"])


def platform(item: dict[str, Any]) -> str:
    """Return "linux/arm64/v8"; empty where there is none."""
    parts = (str(item.get(name) or "") for name in ("os", "architecture", "variant"))
    return "/".join(part for part in parts if part)


def _signed(item: dict[str, Any]) -> str:
    """Return by whose key it is signed; empty where it is not."""
    if item["signed"] == "yes":
        return item["signer"] or say("yes")
    return {"inherited": say("by its index"), "untrusted": say("by an unknown key")}.get(item["signed"], "")


def findings(item: dict[str, Any]) -> str:
    """Return how many findings of each severity there are; without a scan, its state."""
    if (counts := item["findings"]) is None:
        return _scan_states().get(item["scan_state"], str(item["scan_state"]))
    return ", ".join(f"{name} {counts[name]}" for name in SEVERITIES if counts[name]) or say("none")


def _scan_states() -> dict[str, str]:
    return {
        "none": say("not scanned"), "queued": say("waits for a scan"), "running": say("being scanned"),
        "error": say("scan failed"), "stopped": say("scan stopped"), "unsupported": say("cannot be scanned"),
    }  # fmt: skip


def _facts(found: dict[str, Any]) -> list[tuple[str, Any]]:
    pulling = found["pulling"]
    return [
        (say("Repository"), found["repository"]),
        (say("Tenant"), found["tenant"]),
        (say("Tags"), _tags(found) or None),
        (say("Image labels"), ", ".join(found["labels"]) or None),
        (say("Digest"), found["digest"]),
        (say("Kind"), found["kind"]),
        (say("Type"), found["artifact_type"] or found["media_type"] or None),
        (say("Platform"), platform(found) or None),
        (say("Size"), references.size(found["size"])),
        (say("Pushed"), f"{show.moment(found['pushed_at'])} ({found['pushed_by']})"),
        (say("Pulls"), found["pulls"]),
        (say("Last pulled"), show.moment(found["pulled_at"]) or None),
        (say("About"), found["subject"] or None),
        (say("Signed"), _signed(found) or say("no")),
        (say("Findings"), findings(found)),
        (say("Not assessed"), say("a part of it") if found["not_assessed"] else None),
        (say("Scanned"), show.moment(found["scanned_at"]) or None),
        (say("May be pulled"), say("yes") if pulling["allowed"] else say("no: {reason}", reason=pulling["reason"])),
    ]


def _children(children: list[dict[str, Any]]) -> None:
    if not children:
        return
    show.line()
    rows = [
        [
            say("attestation") if child["attests"] else platform(child["platform"]), references.size(child["size"]),
            child["digest"],
        ]
        for child in children
    ]  # fmt: skip
    show.table([say("Platform"), say("Size"), say("Digest")], rows)


def _accessories(accessories: list[dict[str, Any]]) -> None:
    if not accessories:
        return
    show.line()
    rows = [
        [
            item["kind"], item["signer"], item["artifact_type"], _sboms(item), references.size(item["size"]),
            item["digest"],
        ]
        for item in accessories
    ]  # fmt: skip
    show.table([say("About it"), say("Signer"), say("Type"), "SBOM", say("Size"), say("Digest")], rows)


def _sboms(item: dict[str, Any]) -> str:
    """Return the forms of the SBOMs that were pushed in it, each with how many packages it names, where known."""
    counted = ((one["form"], one["packages"]) for one in item.get("sboms", []))
    return ", ".join(form if packages is None else f"{form} ({packages})" for form, packages in counted)


def _tags(item: dict[str, Any]) -> str:
    return ", ".join(tag["name"] for tag in item["tags"])


def _worst(item: dict[str, Any]) -> str:
    """Return the counts of the two worst severities that there are, for a table's column."""
    return ", ".join(findings(item).split(", ")[:2])


def _as_bad(counts: dict[str, int] | None, severity: str) -> bool:
    return counts is not None and any(counts[name] for name in SEVERITIES[: SEVERITIES.index(severity) + 1])
