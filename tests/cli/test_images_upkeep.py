from typing import Any

from tests.cli.conftest import Pks
from tests.cli.fake_portal import FakePortal, task
from tests.cli.test_images import ARTIFACT, AT, DIGEST, GONE, REST, listed

PROJECT_PATH = f"{REST}/projects/payments"
IMMUTABLE = {"id": 4, "repositories": "**", "tags": "v*", "disabled": False, "made_by": "sun.li", "made_at": AT}
RETENTION = {**IMMUTABLE, "tags": "**", "untagged": True, "keep": "latest_pushed_k", "number": 5}
RUN: dict[str, Any] = {
    "id": "run1", "dry_run": True, "task": "t1", "asked_by": "sun.li", "started_at": AT, "ended_at": AT, "kept": 5,
    "going": 2, "removed": 0,
}  # fmt: skip
ROW: dict[str, Any] = {
    "repository": "payments/web", "digest": DIGEST, "kind": "image", "tags": ["1.0"], "size": 2048, "pushed_at": AT,
    "pulled_at": None, "goes": True, "why": ["No rule keeps it."],
}  # fmt: skip
COLLECTION: dict[str, Any] = {
    "id": "g1", "dry_run": False, "task": "t1", "asked_by": "root", "started_at": AT, "ended_at": AT, "manifests": 1,
    "bytes_before": 4096, "bytes_after": 2048, "freed": 2048, "would_free": None, "error": "",
}  # fmt: skip


def test_rules_are_made_listed_and_deleted(pks: Pks, signed_in: FakePortal) -> None:
    path = f"{PROJECT_PATH}/immutable-rules"
    signed_in.once("POST", path, (201, IMMUTABLE))
    assert pks("create-immutable-rule", "payments", "v*").out == "Rule 4 is made.\n"
    assert signed_in.requests("POST", path)[0].body == {"repositories": "**", "tags": "v*"}
    signed_in.once("GET", path, listed(IMMUTABLE))
    assert pks("immutable-rules", "payments").out.splitlines()[1].split()[:5] == ["4", "**", "v*", "in", "force"]
    signed_in.once("DELETE", f"{path}/4", GONE)
    assert pks("delete-immutable-rule", "payments", "4").code == 2
    assert pks("delete-immutable-rule", "payments", "4", stdin="y\n").code == 0
    path = f"{PROJECT_PATH}/retention-rules"
    signed_in.once("POST", path, (201, RETENTION))
    assert pks("create-retention-rule", "payments", "--keep", "latest_pushed_k", "--number", "5").code == 0
    assert signed_in.requests("POST", path)[0].body == {
        "repositories": "**", "tags": "**", "untagged": True, "keep": "latest_pushed_k", "number": 5,
    }  # fmt: skip
    signed_in.once("GET", path, listed(RETENTION))
    assert "latest_pushed_k  5" in pks("retention-rules", "payments").out
    signed_in.once("DELETE", f"{path}/4", GONE)
    assert pks("delete-retention-rule", "payments", "4", "--non-interactive").code == 0


def test_retention_is_tried_before_it_is_carried_out(pks: Pks, signed_in: FakePortal) -> None:
    path = f"{PROJECT_PATH}/retention-runs"
    signed_in.once("POST", path, (202, RUN), (202, {**RUN, "dry_run": False}))
    assert "pks retention-run payments run1" in pks("run-retention", "payments", "--dry-run").out
    assert pks("run-retention", "payments").code == 2
    assert pks("run-retention", "payments", stdin="y\n").code == 0
    assert [sent.body for sent in signed_in.requests("POST", path)] == [{"dry_run": True}, {"dry_run": False}]
    signed_in.once("GET", path, listed(RUN))
    assert pks("retention-runs", "payments").out.splitlines()[1].split()[:2] == ["run1", "yes"]
    signed_in.once("GET", f"{path}/run1", (200, {**RUN, "report": [ROW]}))
    assert pks("retention-run", "payments", "run1").out.splitlines()[1].endswith("yes   No rule keeps it.")


def test_an_image_is_copied_at_once_or_by_a_task(pks: Pks, signed_in: FakePortal) -> None:
    path = f"{REST}/artifacts/a1/copies"
    signed_in.once("GET", f"{REST}/artifacts", listed(ARTIFACT), listed(ARTIFACT))
    made = {"repository": "shop/web", "tag": "1.0", "digest": DIGEST, "artifact": "a9", "task": None}
    signed_in.once("POST", path, (201, made), (202, {**made, "artifact": None, "task": "t1"}))
    assert pks("copy-image", "payments/web:1.0", "shop/web:1.0").out.endswith("copied to shop/web:1.0.\n")
    assert "pks task t1 --watch" in pks("copy-image", "payments/web:1.0", "shop/web").out
    sent = [request.body for request in signed_in.requests("POST", path)]
    assert sent == [{"repository": "shop/web", "tag": "1.0"}, {"repository": "shop/web", "tag": ""}]


def test_garbage_is_collected_when_somebody_says_so(pks: Pks, signed_in: FakePortal) -> None:
    path = f"{REST}/garbage-collections"
    signed_in.once("GET", path, listed(COLLECTION))
    assert "2.0 KiB" in pks("garbage-collections").out
    assert pks("collect-garbage").code == 2
    signed_in.once("POST", path, (202, COLLECTION), (202, COLLECTION))
    assert pks("collect-garbage", "--dry-run").code == 0
    assert pks("collect-garbage", stdin="y\n").out == "Use 'pks task t1 --watch' to follow it\n"
    assert [sent.body for sent in signed_in.requests("POST", path)] == [{"dry_run": True}, {"dry_run": False}]
    signed_in.once("POST", f"{REST}/reconciliations", (202, task()))
    assert pks("reconcile-images").code == 0
    assert pks("reconcile-images", "--force").code == 2


def test_rules_are_changed(pks: Pks, signed_in: FakePortal) -> None:
    path = f"{PROJECT_PATH}/immutable-rules/4"
    signed_in.once("PATCH", path, (200, IMMUTABLE))
    assert pks("update-immutable-rule", "payments", "4", "--off").out == "Rule 4 is changed.\n"
    assert signed_in.requests("PATCH", path)[0].body == {"disabled": True}
    path = f"{PROJECT_PATH}/retention-rules/4"
    signed_in.once("PATCH", path, (200, RETENTION), (200, RETENTION))
    assert pks("update-retention-rule", "payments", "4", "--keep", "always", "--number", "0", "--on").code == 0
    assert pks("update-retention-rule", "payments", "4", "--tags", "v*", "--tagged-only", "--json").json == RETENTION
    assert [request.body for request in signed_in.requests("PATCH", path)] == [
        {"keep": "always", "number": 0, "disabled": False}, {"tags": "v*", "untagged": False},
    ]  # fmt: skip
    assert pks("update-retention-rule", "payments", "4").code == 2


def test_one_collection(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("GET", f"{REST}/garbage-collections/g1", (200, COLLECTION), (200, COLLECTION))
    assert "Freed:      2.0 KiB" in pks("garbage-collection", "g1").out
    assert pks("garbage-collection", "g1", "--json").json == COLLECTION
