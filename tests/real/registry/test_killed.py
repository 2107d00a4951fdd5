"""`kill -9` of gateway, registry and worker in the middle of a push or scan: nothing half done, nothing lost.

A push is cut at its three places by hand, so that it happens there every time: in a blob (the upload is seen to grow),
with the manifest on its way to the registry (that one stands still), and between the registry's keeping it and our
writing it down (nobody may write to the database meanwhile).
"""

import io
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from registry.manifests import digest_of
from tests.real.registry.skopeo import Client
from tests.real.registry.test_clients import MIB, REST, artifacts, bearer, of
from tests.real.registry.test_policy import upload
from tests.real.running import Portal, until
from tests.registry.images import CONFIG, LAYER, MANIFEST, Layout
from tests.registry.scanning import trivydb

pytestmark = pytest.mark.real
Clients = Callable[[str], Client]
ADMIN = "zhang.wei"
MANIFESTS = "docker/registry/v2/repositories/{}/_manifests/revisions/sha256/{}/link"


def content(portal: Portal, repository: str, name: str) -> tuple[bytes, dict[str, str]]:
    """Push the parts of a small image and return its manifest, which is not pushed, and the headers to push it with."""
    token = bearer(portal, f"repository:{repository}:pull,push")
    parts = []
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()
    for data, kind in ((config, CONFIG), (f"layer of {name}".encode() * 1000, LAYER)):
        start = httpx.post(f"{portal.url}/v2/{repository}/blobs/uploads/", headers=token, timeout=20)
        whole = f"{portal.url}{start.headers['location']}&digest={digest_of(data)}"
        assert httpx.put(whole, content=data, headers=token, timeout=20).status_code == 201
        parts.append({"mediaType": kind, "digest": digest_of(data), "size": len(data)})
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": parts[0], "layers": parts[1:]}
    return json.dumps(manifest).encode(), {**token, "Content-Type": MANIFEST}


@contextmanager
def pushing(portal: Portal, repository: str, manifest: bytes, headers: dict[str, str]) -> Iterator[list[int]]:
    """Push a manifest beside what happens meanwhile; the list gets the answer's status, 0 for none."""
    said: list[int] = []

    def push() -> None:
        url = f"{portal.url}/v2/{repository}/manifests/1"
        try:
            said.append(httpx.put(url, content=manifest, headers=headers, timeout=60).status_code)
        except httpx.HTTPError:
            said.append(0)

    thread = threading.Thread(target=push)
    thread.start()
    yield said
    thread.join(90)
    assert not thread.is_alive()


@contextmanager
def still(pid: int) -> Iterator[None]:
    """Let a process stand still; it may be dead afterwards."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            return


def killed(portal: Portal, program: str) -> None:
    """Kill a program, and wait until another one serves."""
    pid = portal.pid(program)
    os.kill(pid, signal.SIGKILL)

    def served() -> bool:
        try:
            return portal.pid(program) != pid and httpx.get(f"{portal.url}/v2/", timeout=5).status_code == 401
        except (httpx.HTTPError, OSError, ValueError, IndexError):
            return False

    until(served, 60, what=f"another {program}")


def reconciled(portal: Portal) -> None:
    """Let the left pushes be old enough, and make rows and registry agree."""
    with portal.locked() as link:
        link.execute("UPDATE registry_push SET started_at = '2026-01-01 00:00:00'")
        link.execute("COMMIT")
        link.execute("BEGIN")
    task = portal.ask("POST", f"{REST}/reconciliations", {}, user=ADMIN, status=202)["id"]
    until(lambda: portal.ask("GET", f"/api/v1/tasks/{task}", user=ADMIN)["status"] == "succeeded", 120)


def agree(portal: Portal, project: str) -> None:
    """Check that each artifact has its bytes, and that the project takes what its contents take, each once."""
    sql = """
        SELECT DISTINCT b.digest, b.size FROM registry_artifactblob ab JOIN registry_blob b ON b.digest = ab.blob_id
        JOIN registry_artifact a ON a.id = ab.artifact_id JOIN registry_repository r ON r.id = a.repository_id
        JOIN registry_project p ON p.id = r.project_id WHERE p.name = ?
    """
    rows = portal.query(sql, project)
    for digest, size in rows:
        name = digest.removeprefix("sha256:")
        file = portal.data / "registry" / "docker/registry/v2/blobs/sha256" / name[:2] / name / "data"
        assert file.stat().st_size == size
    assert portal.ask("GET", f"{REST}/projects/{project}", status=200)["used"] == sum(size for _digest, size in rows)
    assert portal.query("SELECT used FROM registry_project WHERE name = ?", project)[0][0] == sum(s for _d, s in rows)
    assert not portal.query("SELECT 1 FROM registry_push")


@pytest.mark.parametrize("program", ["web", "registry"])
def test_in_the_middle_of_a_layer(
    portal: Portal, client: Clients, layout: Layout, tmp_path: Path, program: str
) -> None:
    tag, repository = f"cut-{program}", f"payments/cut-{program}"
    layout.tag(tag, layout.image({"cut": program}, layers=[layout.large(512 * MIB)]))
    li_na = client("li.na")
    uploads = portal.data / "registry" / "docker/registry/v2/repositories" / repository / "_uploads"
    said: list[str] = []
    pushed = threading.Thread(
        target=lambda: said.append(
            li_na.refused("copy", "--retry-times=0", of(layout, tag), li_na.named(f"//{repository}:1"))
        )
    )
    pushed.start()
    until(lambda: any(file.stat().st_size > 8 * MIB for file in uploads.rglob("data")), 30, 0.01, "a growing upload")
    killed(portal, program)
    pushed.join(120)
    assert said != [""]
    assert portal.ask("GET", f"{REST}/artifacts?repository={repository}").get("items", []) == []
    li_na.copy(of(layout, tag), f"//{repository}:1")
    li_na.copy(f"//{repository}:1", f"oci:{tmp_path / 'back'}:1")
    reconciled(portal)
    agree(portal, "payments")


def test_with_the_manifest_on_its_way(portal: Portal, client: Clients) -> None:
    repository = "payments/cut-way"
    manifest, headers = content(portal, repository, "way")
    before = portal.ask("GET", f"{REST}/projects/payments")["used"]
    with pushing(portal, repository, manifest, headers) as said, still(portal.pid("registry")):
        until(lambda: portal.query("SELECT 1 FROM registry_push"), 20, 0.01, "a push that has begun")
        portal.kill("registry")
    assert said != [201]
    assert artifacts_or_none(portal, repository) == []
    until(lambda: httpx.get(f"{portal.url}/v2/", timeout=5).status_code == 401, 30)
    reconciled(portal)
    assert portal.ask("GET", f"{REST}/projects/payments")["used"] == before
    agree(portal, "payments")
    again = until(lambda: pushed_again(portal, repository, manifest, headers), 30)
    assert again == 201
    agree(portal, "payments")


def test_between_keeping_and_writing_down(portal: Portal, client: Clients, tmp_path: Path) -> None:
    repository = "payments/cut-between"
    manifest, headers = content(portal, repository, "between")
    digest = digest_of(manifest)
    kept = portal.data / "registry" / MANIFESTS.format(repository, digest.removeprefix("sha256:"))
    registry = portal.pid("registry")
    with pushing(portal, repository, manifest, headers) as said:
        with still(registry):
            until(lambda: portal.query("SELECT 1 FROM registry_push"), 20, 0.01, "a push that has begun")
            locked = portal.locked()
            locked.__enter__()
        until(kept.exists, 20, 0.01, "a manifest in the registry")
        killed(portal, "web")
        locked.__exit__(None, None, None)
    assert said == [0]
    assert portal.query("SELECT 1 FROM registry_push")
    assert artifacts_or_none(portal, repository) == []
    reconciled(portal)
    (row,) = artifacts(portal, repository)
    assert (row["digest"], [tag["name"] for tag in row["tags"]], row["pushed_by"]) == (digest, ["1"], "li.na")
    client("li.na").copy(f"//{repository}:1", f"oci:{tmp_path / 'back'}:1")
    agree(portal, "payments")


def artifacts_or_none(portal: Portal, repository: str) -> list[dict[str, Any]]:
    """Return the artifacts of a repository that may not be there yet."""
    return list((portal.ask("GET", f"{REST}/artifacts?repository={repository}") or {}).get("items", []))


def pushed_again(portal: Portal, repository: str, manifest: bytes, headers: dict[str, str]) -> int:
    answer = httpx.put(f"{portal.url}/v2/{repository}/manifests/1", content=manifest, headers=headers, timeout=60)
    return answer.status_code if answer.status_code < 500 else 0


def scanning(portal: Portal) -> list[int]:
    """Return the pids of trivy, of this portal's worker."""
    home = str(portal.data / "scanner")
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
            links = (
                [str(link.readlink()) for link in (entry / "fd").iterdir()]
                if b"HOME=/proc/self/fd" in environment
                else []
            )
        except OSError:
            continue
        if any(link.startswith(home) for link in links):
            found.append(int(entry.name))
    return found


@pytest.mark.parametrize("step", ["sbom", "judge"])
def test_in_the_middle_of_a_scan(portal: Portal, client: Clients, layout: Layout, tmp_path: Path, step: str) -> None:
    made: io.BytesIO = trivydb.archive(trivydb.database(tmp_path, datetime.now(UTC)))
    upload(portal, made)
    tag, repository = f"scanned-{step}", f"payments/scanned-{step}"
    package = json.dumps({"name": "lodash", "version": "4.17.4", "license": "MIT", "description": step})
    files = {"usr/lib/node_modules/lodash/package.json": package, "large": os.urandom(16 * MIB).hex()}
    layout.tag(tag, layout.image(files))
    client("li.na").copy(of(layout, tag), f"//{repository}:1")
    newest = "SELECT id FROM operations_operation WHERE kind = 'registry.scan' ORDER BY created_at DESC LIMIT 1"
    ((task,),) = until(lambda: portal.query(newest), 30)
    until(lambda: portal.step_started(task, step), 30, 0.005, f"the step {step}")
    until(lambda: scanning(portal), 30, 0.005, "a trivy at work")
    portal.kill("worker")
    until(lambda: not scanning(portal), 10, what="no trivy that outlives its worker")
    (row,) = artifacts(portal, repository)
    assert row["scan_state"] in {"queued", "running"}

    def over() -> Any:
        (row,) = artifacts(portal, repository)
        return row if row["scan_state"] in {"success", "error"} else None

    done = until(over, 180, what="the scan that goes on")
    assert done["scan_state"] == "success"
    assert (done["findings"]["critical"], done["findings"]["high"]) == (1, 1)
    scans = portal.query("SELECT scanner FROM registry_scan WHERE artifact_id = ?", row["id"].replace("-", ""))
    assert scans == [("trivy",)]
    assert len(portal.query("SELECT 1 FROM registry_sbom WHERE artifact_id = ?", row["id"].replace("-", ""))) == 1


def test_a_scan_that_is_stopped_ends_at_once(portal: Portal, client: Clients, layout: Layout, tmp_path: Path) -> None:
    upload(portal, trivydb.archive(trivydb.database(tmp_path, datetime.now(UTC))))
    layout.tag("stopped", layout.image({"large": os.urandom(32 * MIB).hex()}))
    client("li.na").copy(of(layout, "stopped"), "//payments/stopped:1")
    until(lambda: scanning(portal), 30, 0.005, "a trivy at work")
    (row,) = artifacts(portal, "payments/stopped")
    (task,) = portal.ask("GET", f"/api/v1/tasks?subject={row['id']}")["items"]
    portal.ask("POST", f"/api/v1/tasks/{task['id']}/cancel", status=202)
    assert portal.ended(task["id"], 20)["status"] == "cancelled"
    assert scanning(portal) == []
    (row,) = artifacts(portal, "payments/stopped")
    assert (row["scan_state"], row["findings"]) == ("stopped", None)
