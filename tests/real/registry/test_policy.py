"""What policy forbids does not leave, and the client prints why: unsigned, wrongly signed, vulnerable, immutable."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from registry.manifests import digest_of
from tests.real.registry.skopeo import Client
from tests.real.registry.test_clients import artifacts, bearer, of
from tests.real.running import Portal, started, until
from tests.registry import signing
from tests.registry.images import Layout
from tests.registry.scanning import trivydb

pytestmark = pytest.mark.real
Clients = Callable[[str], Client]
REST = "/api/v1/registry"
PROJECT = f"{REST}/projects/payments"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Return a running portal of its own, since it begins without any database of advisories."""
    yield from started(tmp_path_factory.mktemp("portal"))


@pytest.fixture(scope="module")
def vulnerable(layout: Layout) -> str:
    """Return the tag of an image with lodash 4.17.4 (critical and high), and nothing else."""
    package = '{"name":"lodash","version":"4.17.4","license":"MIT"}'
    layout.tag("lodash", layout.image({"usr/lib/node_modules/lodash/package.json": package}))
    return "lodash"


@pytest.fixture(scope="module")
def early(
    portal: Portal, client: Clients, layout: Layout, vulnerable: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], str]:
    """Return an image that was pushed before there was a database, and what was said to who pulled it by a policy."""
    client("li.na").copy(of(layout, vulnerable), "//payments/early:1")
    row = scanned(portal, "payments/early")
    portal.ask("PATCH", PROJECT, {"block_severity": "critical"}, user="sun.li", status=200)
    said = pull(client("wang.fang"), "//payments/early:1", tmp_path_factory.mktemp("early"))
    portal.ask("PATCH", PROJECT, {"block_severity": None}, user="sun.li", status=200)
    return row, said


@pytest.fixture(scope="module")
def database(portal: Portal, early: tuple[dict[str, Any], str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Take in a trivy database of the tests' advisories, as a platform administrator does, after the early image."""
    made = trivydb.database(tmp_path_factory.mktemp("db"), datetime.now(UTC))
    taken = upload(portal, trivydb.archive(made))
    assert (taken["state"], taken["records"]) == ("ok", trivydb.RECORDS)


def upload(portal: Portal, archive: io.BytesIO) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {portal.token('zhang.wei')}", "Content-Type": "application/octet-stream"}
    url = f"{portal.url}{REST}/scanners/databases/trivy-db"
    answer = httpx.put(url, content=archive.getvalue(), headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture
def policy(portal: Portal) -> Any:
    """Return what sets the project's policy; afterwards there is none."""
    yield lambda **wanted: portal.ask("PATCH", PROJECT, wanted, user="sun.li", status=200)
    portal.ask("PATCH", PROJECT, {"signed_only": False, "block_severity": None}, user="sun.li", status=200)


def raw(signed: Any) -> bytes:
    """Return a signature's manifest as it is pushed."""
    return json.dumps(signed.manifest).encode()


def pull(client: Client, name: str, into: Path) -> str:
    """Pull an image and return what was complained about; empty when it came."""
    return client.refused("copy", client.named(name), f"oci:{into / 'pulled'}:1")


def scanned(portal: Portal, repository: str) -> dict[str, Any]:
    """Wait until the one image of a repository has been scanned, and return it."""

    def over() -> Any:
        (row,) = artifacts(portal, repository, kind="image")
        return row if row["scan_state"] in {"success", "error"} else None

    return dict(until(over, 60, what=f"the scan of {repository}"))


def push_signature(portal: Portal, repository: str, signed: Any, tag: str) -> httpx.Response:
    """Push a signature as cosign does: its blobs, then its manifest."""
    token = bearer(portal, f"repository:{repository}:pull,push")
    for content in signed.blobs.values():
        start = httpx.post(f"{portal.url}/v2/{repository}/blobs/uploads/", headers=token, timeout=20)
        location = f"{portal.url}{start.headers['location']}&digest={digest_of(content)}"
        assert httpx.put(location, content=content, headers=token, timeout=20).status_code == 201
    return httpx.put(
        f"{portal.url}/v2/{repository}/manifests/{tag}", content=raw(signed), timeout=20,
        headers={**token, "Content-Type": "application/vnd.oci.image.manifest.v1+json"},
    )  # fmt: skip


@pytest.mark.parametrize("layout_of", ["legacy", "bundle"])
def test_only_what_a_trusted_key_signed_leaves(
    portal: Portal, client: Clients, layout: Layout, policy: Any, tmp_path: Path, layout_of: str
) -> None:
    name = f"payments/signed-{layout_of}"
    client("li.na").copy(of(layout, "one"), f"//{name}:1")
    (image,) = artifacts(portal, name)
    key, other = signing.private_key(), signing.private_key()
    policy(signed_only=True)
    viewer = client("wang.fang")
    assert "is not signed" in pull(viewer, f"//{name}:1", tmp_path)
    assert portal.ask("GET", f"{REST}/artifacts/{image['id']}", user="wang.fang")["pulling"]["allowed"] is False
    make = getattr(signing, layout_of)
    wrong, right = make(image["digest"], other), make(image["digest"], key)
    tag = signing.tag(image["digest"]) if layout_of == "legacy" else digest_of(raw(wrong))
    trusted = {"name": f"release {layout_of}", "public_key": signing.pem(key)}
    portal.ask("POST", f"{PROJECT}/trusted-keys", trusted, user="sun.li", status=201)
    assert push_signature(portal, name, wrong, tag).status_code == 201
    assert "by no key that its project trusts" in pull(viewer, f"//{name}:1", tmp_path)
    tag = signing.tag(image["digest"]) if layout_of == "legacy" else digest_of(raw(right))
    answer = push_signature(portal, name, right, tag)
    assert answer.status_code == 201
    assert (answer.headers.get("oci-subject") == image["digest"]) or layout_of == "legacy"
    assert pull(viewer, f"//{name}:1", tmp_path) == ""
    signed = portal.ask("GET", f"{REST}/artifacts/{image['id']}")
    assert (signed["signed"], signed["signer"]) == ("yes", f"release {layout_of}")


def test_an_index_s_images_inherit_its_signature(
    portal: Portal, client: Clients, layout: Layout, policy: Any, tmp_path: Path
) -> None:
    client("li.na").copy(of(layout, "many"), "//payments/inherits:1", "--all")
    (index,) = artifacts(portal, "payments/inherits", listed="true")
    key = signing.private_key()
    trusted = {"name": "index", "public_key": signing.pem(key)}
    portal.ask("POST", f"{PROJECT}/trusted-keys", trusted, user="sun.li", status=201)
    policy(signed_only=True)
    signed = signing.bundle(index["digest"], key)
    assert push_signature(portal, "payments/inherits", signed, digest_of(raw(signed))).status_code == 201
    states = {row["kind"]: row["signed"] for row in artifacts(portal, "payments/inherits")}
    assert (states["index"], states["image"]) == ("yes", "inherited")
    assert pull(client("wang.fang"), "//payments/inherits:1", tmp_path) == ""


def test_who_may_push_may_not_sign(portal: Portal, client: Clients, layout: Layout) -> None:
    client("li.na").copy(of(layout, "one"), "//payments/unsigned:1")
    (image,) = artifacts(portal, "payments/unsigned")
    token = bearer(portal, "repository:payments/unsigned:pull,push", "wu.hao")
    signed = signing.legacy(image["digest"], signing.private_key())
    for content in signed.blobs.values():
        start = httpx.post(f"{portal.url}/v2/payments/unsigned/blobs/uploads/", headers=token, timeout=20)
        httpx.put(
            f"{portal.url}{start.headers['location']}&digest={digest_of(content)}",
            content=content, headers=token, timeout=20,
        )  # fmt: skip
    answer = httpx.put(
        f"{portal.url}/v2/payments/unsigned/manifests/{signing.tag(image['digest'])}", content=raw(signed),
        headers={**token, "Content-Type": "application/vnd.oci.image.manifest.v1+json"}, timeout=20,
    )  # fmt: skip
    assert (answer.status_code, "not signatures" in answer.text) == (403, True)


def test_without_a_database_a_scan_is_an_error_and_nothing_leaves(early: tuple[dict[str, Any], str]) -> None:
    row, said = early
    assert row["scan_state"] == "error"
    assert "scan of the image failed" in said


def test_a_vulnerable_image_stays_until_it_is_excepted(
    portal: Portal, client: Clients, layout: Layout, policy: Any, tmp_path: Path, vulnerable: str, database: None
) -> None:
    client("li.na").copy(of(layout, vulnerable), "//payments/shop:1")
    found = scanned(portal, "payments/shop")
    assert (found["scan_state"], found["findings"]["critical"], found["findings"]["high"]) == ("success", 1, 1)
    policy(block_severity="critical")
    viewer = client("wang.fang")
    said = pull(viewer, "//payments/shop:1", tmp_path)
    assert "1 vulnerabilities of severity" in said
    assert "trivy-db" in said
    wish = {"vulnerability": "CVE-2019-10744", "reason": "not reachable", "days": 1, "repositories": "shop"}
    asked = portal.ask("POST", f"{PROJECT}/exceptions", wish, user="wu.hao", status=201)
    assert pull(viewer, "//payments/shop:1", tmp_path)
    portal.ask("POST", f"{PROJECT}/exceptions/{asked['id']}/approve", {}, user="sun.li", status=200)
    assert pull(viewer, "//payments/shop:1", tmp_path) == ""
    with portal.locked() as link:
        link.execute("UPDATE registry_cveexception SET expires_at = '2020-01-01 00:00:00'")
        link.execute("COMMIT")
        link.execute("BEGIN")
    assert "1 vulnerabilities" in pull(viewer, "//payments/shop:1", tmp_path)


def test_a_database_that_is_taken_in_judges_what_lies_there(portal: Portal, database: None) -> None:
    def judged() -> Any:
        (row,) = artifacts(portal, "payments/early", kind="image")
        return row if row["scan_state"] == "success" else None

    row = until(judged, 60, what="the early image is judged, without being pushed again")
    report = portal.ask("GET", f"{REST}/artifacts/{row['id']}/report", status=200)
    (document,) = report.values()
    assert [one["id"] for one in document["vulnerabilities"]] == ["CVE-2019-10744", "CVE-2021-23337"]
    assert document["databases"][0]["sources"] == ["Advisories of the tests"]
    sbom = portal.ask("GET", f"{REST}/artifacts/{row['id']}/sbom?form=spdx", status=200)
    assert sbom["spdxVersion"] == "SPDX-2.3"


def test_an_immutable_tag_stays_what_it_is(portal: Portal, client: Clients, layout: Layout) -> None:
    client("li.na").copy(of(layout, "one"), "//payments/fixed:v1")
    with portal.locked() as link:
        link.execute(
            "INSERT INTO registry_immutablerule (project_id, repositories, tags, disabled, made_at) "
            "SELECT id, 'fixed', 'v*', 0, '2026-01-01' FROM registry_project WHERE name = 'payments'"
        )
        link.execute("COMMIT")
        link.execute("BEGIN")
    said = client("li.na").refused("copy", of(layout, "two"), client("li.na").named("//payments/fixed:v1"))
    assert "is immutable" in said
    client("li.na").copy(of(layout, "one"), "//payments/fixed:v1")


def test_an_image_that_is_called_an_attestation_does_not_leave_unsigned(
    portal: Portal, client: Clients, layout: Layout, policy: Any, tmp_path: Path
) -> None:
    policy(signed_only=True)
    image = json.loads((layout.path / "blobs/sha256" / layout.image({"run": "me"})["digest"][7:]).read_text())
    for layer in image["layers"]:
        layer["mediaType"] = "application/vnd.in-toto+json"
    layout.tag("dressed", layout.blob(json.dumps(image).encode(), image["mediaType"]))
    client("li.na").copy(of(layout, "dressed"), "//payments/dressed:1")
    (row,) = artifacts(portal, "payments/dressed")
    assert row["kind"] == "image"
    assert "is not signed" in pull(client("wang.fang"), "//payments/dressed:1", tmp_path)
