"""The life of images in a running portal: collected while pushes wait, by a worker that is killed in the middle."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from registry.gateway.holders import HOLD_SECONDS
from tests.real.registry.skopeo import Client
from tests.real.registry.test_clients import REST, artifacts, bearer, of
from tests.real.running import Portal, until
from tests.registry.images import Layout

pytestmark = pytest.mark.real
Clients = Callable[[str], Client]
MIB = 1024 * 1024
ADMIN = "zhang.wei"


def collected(portal: Portal, *, dry_run: bool = False) -> dict[str, Any]:
    row = portal.ask("POST", f"{REST}/garbage-collections", {"dry_run": dry_run}, user=ADMIN, status=202)
    until(lambda: portal.ask("GET", f"/api/v1/tasks/{row['task']}", user=ADMIN)["status"] == "succeeded", 120)
    return dict(portal.ask("GET", f"{REST}/garbage-collections/{row['id']}", user=ADMIN, status=200))


def stored(portal: Portal) -> int:
    return sum(file.stat().st_size for file in (portal.data / "registry").rglob("data"))


def layout_with_large(path: Path) -> Layout:
    made = Layout(path)
    made.tag("large", made.image({"large": "yes"}, layers=[made.large(4 * MIB)]))
    return made


def test_what_is_deleted_is_freed_though_the_worker_is_killed(
    portal: Portal, client: Clients, layout: Layout, tmp_path: Path
) -> None:
    li_na = client("li.na")
    li_na.copy(of(layout_with_large(tmp_path / "large"), "large"), "//payments/life:large")
    li_na.copy(of(layout, "many"), "//payments/life:many")
    (row,) = [row for row in artifacts(portal, "payments/life") if row["kind"] == "image" and row["size"] > MIB]
    portal.ask("DELETE", f"{REST}/artifacts/{row['id']}", user="sun.li", status=204)
    full = stored(portal)
    would = collected(portal, dry_run=True)
    assert would["would_free"] >= 4 * MIB
    assert stored(portal) == full
    begun = portal.ask("POST", f"{REST}/garbage-collections", {}, user=ADMIN, status=202)
    until(lambda: portal.query("SELECT 1 FROM registry_pushhold"), 30, 0.01)
    portal.kill("worker")
    until(lambda: portal.ask("GET", f"/api/v1/tasks/{begun['task']}", user=ADMIN)["status"] == "succeeded", 120)
    done = portal.ask("GET", f"{REST}/garbage-collections/{begun['id']}", user=ADMIN, status=200)
    assert done["freed"] == would["would_free"] == full - stored(portal)
    assert not portal.query("SELECT 1 FROM registry_pushhold")
    li_na.copy("//payments/life:many", f"oci:{tmp_path / 'back'}:many")
    li_na.copy(of(layout_with_large(tmp_path / "again"), "large"), "//payments/life:large")


def test_pushes_wait_and_pulls_go_on(portal: Portal, client: Clients, layout: Layout, tmp_path: Path) -> None:
    li_na = client("li.na")
    li_na.copy(of(layout, "one"), "//payments/waits:1")
    ends = datetime.now(UTC) + timedelta(seconds=60)
    link = sqlite3.connect(portal.data / "db" / "portal.sqlite3", timeout=10)
    with link:
        link.execute(
            "INSERT INTO registry_pushhold (id, holder, since, until) VALUES (1, ?, ?, ?)",
            ("0" * 32, f"{ends:%F %T}", f"{ends:%F %T.%f}"),
        )
    headers = bearer(portal, "repository:payments/waits:pull,push")

    def upload() -> httpx.Response:
        return httpx.post(f"{portal.url}/v2/payments/waits/blobs/uploads/", headers=headers, timeout=20)

    until(
        lambda: upload().status_code == 503, HOLD_SECONDS + 5, what="pushes waiting, once nobody's lately look counts"
    )
    manifest = httpx.put(
        f"{portal.url}/v2/payments/waits/manifests/2", content=b'{"schemaVersion":2,"config":{"mediaType":"x","size":2,'
        b'"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"layers":[]}',
        headers={**headers, "Content-Type": "application/vnd.oci.image.manifest.v1+json"}, timeout=20,
    )  # fmt: skip
    for answer in (upload(), manifest):
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["retry-after"]) > 0
        assert "takes no pushes for the moment" in answer.json()["errors"][0]["message"]
    li_na.copy("//payments/waits:1", f"oci:{tmp_path / 'back'}:1")
    with link:
        link.execute("DELETE FROM registry_pushhold")
    link.close()
    li_na.copy(of(layout, "two"), "//payments/waits:2")
