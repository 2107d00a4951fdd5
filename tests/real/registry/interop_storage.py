"""The registry's bytes in S3: pushed, pulled, scanned, deleted, collected, through a real S3 server (versitygw).

Built first (see clients.py), so it is not for every run: `make interop` names this file, nothing else collects it.
"""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.real.registry.clients import s3_server
from tests.real.registry.skopeo import Client
from tests.real.registry.test_clients import MIB, REST, artifacts, bearer, of
from tests.real.registry.test_upkeep import ADMIN, collected, layout_with_large
from tests.real.running import Portal, free_port, until
from tests.registry.images import Layout

pytestmark = pytest.mark.real
Clients = Callable[[str], Client]
KEY, SECRET = "tests", "of-one-test-only-0123456789"


@dataclass(frozen=True)
class Bucket:
    """A bucket, and the directory in which the server keeps it."""

    url: str
    directory: Path

    @property
    def section(self) -> str:
        """Return distribution's storage section for it."""
        whole = {
            "region": "us-east-1", "regionendpoint": self.url, "bucket": self.directory.name, "secure": False,
            "accesskey": KEY, "secretkey": SECRET, "v4auth": True, "chunksize": 5 * MIB,
        }  # fmt: skip
        return json.dumps({"s3": whole})

    def size(self) -> int:
        """Return the bytes of all blobs in it."""
        return sum(file.stat().st_size for file in (self.directory / "docker/registry/v2/blobs").rglob("data"))


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    """Return a bucket of a running S3 server."""
    home, port = tmp_path_factory.mktemp("s3"), free_port()
    (home / "images").mkdir()
    with (home.parent / "s3.log").open("w") as log:
        server = subprocess.Popen(
            [s3_server(), "--port", f"127.0.0.1:{port}", "posix", str(home)],
            env={"PATH": os.environ["PATH"], "ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET},
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(url, timeout=5).status_code > 0
        except httpx.HTTPError:
            return False

    until(answers, 30, what="an S3 server")
    yield Bucket(url, home / "images")
    server.terminate()
    server.wait(20)


@pytest.fixture(scope="module")
def portal(bucket: Bucket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Return a running default set whose images lie in the bucket."""
    home = tmp_path_factory.mktemp("portal")
    (home.parent / "storage.json").write_text(bucket.section)
    running = Portal(home, PKS_REGISTRY_STORAGE_FILE=str(home.parent / "storage.json"))
    running.run("start")
    yield running
    running.run("clean", "--with-clusters")
    until(lambda: not running.processes(), what="no process left")


def test_images_lie_in_the_bucket_only(
    portal: Portal, bucket: Bucket, client: Clients, layout: Layout, tmp_path: Path
) -> None:
    li_na = client("li.na")
    li_na.copy(of(layout, "many"), "//payments/many:1", "--all")
    large = layout_with_large(tmp_path / "large")
    li_na.copy(of(large, "large"), "//payments/large:1")
    assert bucket.size() > 4 * MIB
    assert not list((portal.data / "registry").rglob("data"))
    client("wang.fang").copy("//payments/many:1", f"oci:{tmp_path / 'back'}:1", "--all")
    li_na.copy("//payments/large:1", f"oci:{tmp_path / 'back-large'}:1")


def test_clients_never_see_the_storage(portal: Portal, bucket: Bucket, client: Clients, layout: Layout) -> None:
    client("li.na").copy(of(layout, "one"), "//payments/hidden:1")
    (row,) = artifacts(portal, "payments/hidden")
    digest = portal.ask("GET", f"{REST}/artifacts/{row['id']}")["layers"][0]["digest"]
    token = bearer(portal, "repository:payments/hidden:pull")
    answer = httpx.get(f"{portal.url}/v2/payments/hidden/blobs/{digest}", headers=token, timeout=20)
    assert (answer.status_code, len(answer.content) > 0) == (200, True)
    assert bucket.url not in str(answer.headers)
    assert SECRET not in (portal.data / "run" / "portal.env").read_text()


def test_what_is_deleted_leaves_the_bucket(portal: Portal, bucket: Bucket, client: Clients, tmp_path: Path) -> None:
    li_na = client("li.na")
    li_na.copy(of(layout_with_large(tmp_path / "gone"), "large"), "//payments/gone:1")
    full = bucket.size()
    (row,) = artifacts(portal, "payments/gone")
    portal.ask("DELETE", f"{REST}/artifacts/{row['id']}", user="sun.li", status=204)
    collected(portal)
    assert full - bucket.size() >= 4 * MIB
    li_na.copy("//payments/many:1", f"oci:{tmp_path / 'still'}:1")
    task = portal.ask("POST", f"{REST}/reconciliations", {}, user=ADMIN, status=202)["id"]
    until(lambda: portal.ask("GET", f"/api/v1/tasks/{task}", user=ADMIN)["status"] == "succeeded", 120)
    assert {row["kind"] for row in artifacts(portal, "payments/many")} >= {"index", "image"}
