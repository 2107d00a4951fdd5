"""`pks findings`, `image-scans`, `scan-image`, `image-report`, `sbom`…: what scanners say of images."""

import json
from base64 import b64decode
from typing import Annotated, Any

import typer

from pks_portal.cli import following, options, references, show
from pks_portal.cli.references import ARTIFACTS, REGISTRY
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

Severity = Annotated[str | None, typer.Option("--severity", metavar="S", help=say("Only of this severity."))]
Package = Annotated[str | None, typer.Option("--package", help=say("Only of packages with this in their name."))]


def findings(
    image: references.Image,
    severity: Severity = None,
    package: Package = None,
    vulnerability: Annotated[
        str | None, typer.Option("--vulnerability", metavar="CVE", help=say("Only whose name begins so: CVE-2024-."))
    ] = None,
    json: options.Json = False,
) -> None:
    portal = Portal()
    path = f"{_artifact(portal, image)}/findings"
    items = portal.every(path, severity=severity, package=package, vulnerability=vulnerability)
    if json:
        return show.data(items)
    headers = [say("Vulnerability"), say("Severity"), "CVSS", say("Package"), say("Version"), say("Fixed in"), ""]
    return show.table(headers, [[*_finding(item), item["title"]] for item in items])


def vulnerabilities(
    name: Annotated[
        str | None, typer.Argument(metavar="CVE", help=say("How the vulnerability's name begins: CVE-2024-."))
    ] = None,
    severity: Severity = None,
    package: Package = None,
    tenant: options.Tenant = None,
    json: options.Json = False,
) -> None:
    path = f"{REGISTRY}/vulnerabilities"
    items = Portal().every(path, vulnerability=name, severity=severity, package=package, tenant=tenant)
    if json:
        return show.data(items)
    headers = [
        say("Vulnerability"), say("Severity"), "CVSS", say("Package"), say("Version"), say("Fixed in"), say("Image"),
    ]  # fmt: skip
    return show.table(headers, [[*_finding(item), f"{item['repository']}@{item['digest']}"] for item in items])


def image_scans(image: references.Image, json: options.Json = False) -> None:
    portal = Portal()
    items = portal.get(f"{_artifact(portal, image)}/scans")["items"]
    if json:
        return show.data(items)
    headers = [
        say("Scanner"), say("State"), say("Ended"), say("Database"), say("As of"), say("Packages"),
        say("Not assessed"), say("Error"),
    ]  # fmt: skip
    rows = [
        [
            item["scanner"], item["state"], show.moment(item["ended_at"]), item["database_state"],
            show.moment(item["database_updated_at"]), item["packages"], ", ".join(item["not_assessed"]),
            item["error"],
        ]
        for item in items
    ]  # fmt: skip
    return show.table(headers, rows)


def scan_image(
    image: references.Image, wait: options.Wait = False, watch: options.Watch = False, json: options.Json = False
) -> None:
    portal = Portal()
    started = portal.send("POST", f"{_artifact(portal, image)}/scans")
    task = started["task"]
    if not (wait or watch):
        text = say("Use 'pks task {task} --watch' to follow it", task=task["id"])
        return references.done(started, text)
    task = following.to_the_end(portal, task, watch=watch)
    if json:
        show.data({"task": task}, compact=watch)
    following.judge(task)
    return None if json else show.line(say("Use 'pks findings {image}' to see what was found", image=image))


def sbom(
    image: references.Image,
    form: Annotated[str, typer.Option("--form", help=say("cyclonedx or spdx."))] = "cyclonedx",
    layer: Annotated[
        str | None, typer.Option("--layer", metavar="DIGEST", help=say("Of a pushed one that has several."))
    ] = None,
) -> None:
    portal = Portal()
    said = portal.text(f"{_artifact(portal, image)}/sbom", form=form, layer=layer)
    try:
        show.data(_document(json.loads(said)))
    except (ValueError, TypeError):  # no JSON, or no statement
        show.line(said)


def _document(said: Any) -> Any:
    """Return the SBOM that an attestation is about, anything else as it is.

    Raises ValueError, TypeError.
    """
    said = said.get("dsseEnvelope", said) if isinstance(said, dict) else said
    if isinstance(said, dict) and "payload" in said:
        said = json.loads(b64decode(said["payload"]))
    predicate = said.get("predicate", said) if isinstance(said, dict) else said
    data = predicate.get("Data", predicate) if isinstance(predicate, dict) else predicate
    return json.loads(data) if isinstance(data, str) else data


def image_report(image: references.Image) -> None:
    portal = Portal()
    show.data(portal.get(f"{_artifact(portal, image)}/report"))


def image_security(tenant: options.Tenant = None, json: options.Json = False) -> None:
    said = Portal().get(f"{REGISTRY}/vulnerabilities/summary", tenant=tenant)
    if json:
        return show.data(said)
    names = {
        "images": say("Images"), "scanned": say("Scanned images"), "unscanned": say("Not scanned"),
        "failed": say("Scan failed"),
        "partly": say("Not assessed"), "critical": say("critical"), "high": say("high"), "medium": say("medium"),
        "low": say("low"), "negligible": say("negligible"), "unknown": say("unknown"), "fixable": say("Fixable"),
    }  # fmt: skip
    return show.facts([(name, "–" if said[key] is None else said[key]) for key, name in names.items()])


def _artifact(portal: Portal, image: str) -> str:
    return f"{ARTIFACTS}/{references.image(portal, image)['id']}"


def _finding(item: dict[str, Any]) -> list[Any]:
    return [
        item["vulnerability"], item["severity"], item["score"], item["package"], item["version"], item["fixed_in"],
    ]  # fmt: skip
