import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Pks
from tests.cli.fake_portal import FakePortal, task
from tests.cli.test_images import ARTIFACT, AT, DIGEST, GONE, REST, listed

ARTIFACT_PATH = f"{REST}/artifacts/a1"
PROJECT_PATH = f"{REST}/projects/payments"
FINDING: dict[str, Any] = {
    "id": 1, "vulnerability": "CVE-2024-1", "severity": "high", "score": 7.5, "vector": "", "package": "openssl",
    "version": "3.0.1", "fixed_in": "3.0.2", "status": "fixed", "title": "A flaw", "links": [], "source": "debian",
    "scanner": "trivy", "repository": "payments/web", "digest": DIGEST,
}  # fmt: skip
SCAN = {
    "scanner": "trivy", "scanner_version": "1", "state": "success", "started_at": AT, "ended_at": AT, "database": "d",
    "database_state": "old", "database_updated_at": AT, "database_records": 1, "database_sources": [], "packages": 88,
    "not_assessed": ["RubyGems", "jar"], "error": "", "task": None, "log": "",
}  # fmt: skip
KEY = {"id": "k1", "name": "release", "pem": "P", "fingerprint": "f" * 64, "added_by": "sun.li", "added_at": AT}
EXCEPTION: dict[str, Any] = {
    "id": "e1", "project": "payments", "vulnerability": "CVE-2024-1", "repositories": "web/*", "package": "",
    "reason": "not reached", "status": "open", "live": False, "asked_by": "li.na", "asked_at": AT,
    "decided_by": None, "decided_at": None, "comment": "", "expires_at": AT,
}  # fmt: skip


@pytest.fixture
def stocked(signed_in: FakePortal) -> FakePortal:
    """A portal that knows one image, asked for up to three times by its name."""
    signed_in.once("GET", f"{REST}/artifacts", *[listed(ARTIFACT)] * 3)
    return signed_in


def test_findings_of_an_image_and_images_of_a_finding(pks: Pks, stocked: FakePortal) -> None:
    stocked.once("GET", f"{ARTIFACT_PATH}/findings", listed(FINDING))
    told = ["CVE-2024-1", "high", "7.5", "openssl", "3.0.1", "3.0.2"]
    ran = pks("findings", "payments/web:1.0", "--severity", "high")
    assert ran.out.splitlines()[1].split() == [*told, "A", "flaw"]
    assert stocked.requests("GET", f"{ARTIFACT_PATH}/findings")[0].query["severity"] == "high"
    stocked.once("GET", f"{REST}/vulnerabilities", listed(FINDING))
    assert pks("vulnerabilities", "CVE-2024-").out.splitlines()[1].split() == [*told, f"payments/web@{DIGEST}"]
    assert stocked.requests("GET", f"{REST}/vulnerabilities")[0].query["vulnerability"] == "CVE-2024-"


def test_scans_are_asked_for_and_read(pks: Pks, stocked: FakePortal) -> None:
    path = f"{ARTIFACT_PATH}/scans"
    stocked.once("POST", path, (202, {"task": task()}))
    assert pks("scan-image", "payments/web:1.0").out == "Use 'pks task t1 --watch' to follow it\n"
    stocked.once("GET", path, listed(SCAN))
    row = pks("image-scans", "payments/web:1.0").out.splitlines()[1].split()
    assert (row[:2], row[4], row[-3:]) == (["trivy", "success"], "old", ["88", "RubyGems,", "jar"])
    stocked.once("GET", f"{ARTIFACT_PATH}/sbom", (200, {"spdxVersion": "SPDX-2.3"}))
    assert pks("sbom", "payments/web:1.0", "--form", "spdx").json == {"spdxVersion": "SPDX-2.3"}
    assert stocked.requests("GET", f"{ARTIFACT_PATH}/sbom")[0].query == {"form": "spdx"}


SPDX = {"spdxVersion": "SPDX-2.3"}
STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "predicate": SPDX}
PAYLOAD = b64encode(json.dumps(STATEMENT).encode()).decode()


@pytest.mark.parametrize(
    "answer",
    [
        SPDX, STATEMENT, {"payload": PAYLOAD}, {"dsseEnvelope": {"payload": PAYLOAD}},
        STATEMENT | {"predicate": {"Data": json.dumps(SPDX)}},
    ],
)  # fmt: skip
def test_an_attestations_sbom_is_printed_alone(pks: Pks, stocked: FakePortal, answer: Any) -> None:
    stocked.once("GET", f"{ARTIFACT_PATH}/sbom", (200, answer))
    assert pks("sbom", "payments/web:1.0", "--layer", DIGEST).json == SPDX
    assert stocked.requests("GET", f"{ARTIFACT_PATH}/sbom")[0].query["layer"] == DIGEST


def test_an_sbom_that_is_no_json_is_printed_without_what_drives_a_terminal(pks: Pks, stocked: FakePortal) -> None:
    stocked.once("GET", f"{ARTIFACT_PATH}/sbom", (200, "SPDXVersion: SPDX-2.3\x1b[2J"))
    assert pks("sbom", "payments/web:1.0").out == "SPDXVersion: SPDX-2.3�[2J\n"


def test_a_scan_that_fails_ends_with_1(pks: Pks, stocked: FakePortal) -> None:
    stocked.task = task("failed", last_seq=0)
    stocked.once("POST", f"{ARTIFACT_PATH}/scans", (202, {"task": task()}))
    assert pks("scan-image", "payments/web:1.0", "--wait").code == 1


def test_scanners_say_how_old_their_databases_are(pks: Pks, signed_in: FakePortal) -> None:
    item: dict[str, Any] = {
        "name": "trivy",
        "state": "absent",
        "updated_at": None,
        "records": None,
        "sources": [],
        "cause": "none",
    }
    signed_in.once("GET", f"{REST}/scanners", (200, {"items": [item]}))
    assert pks("scanners").out.splitlines()[1].split() == ["trivy", "absent", "none"]


def test_keys_are_trusted_and_not(pks: Pks, signed_in: FakePortal, tmp_path: Path) -> None:
    path = f"{PROJECT_PATH}/trusted-keys"
    signed_in.once("GET", path, listed(KEY))
    assert pks("trusted-keys", "payments").out.splitlines()[1].split()[:3] == ["release", "f" * 64, "sun.li"]
    pem = tmp_path / "cosign.pub"
    pem.write_text("-----BEGIN PUBLIC KEY-----\n")
    signed_in.once("POST", path, (201, KEY), (201, KEY))
    assert pks("trust-key", "payments", "release", "--file", str(pem)).out.endswith("release: k1\n")
    assert pks("trust-key", "payments", "release", "--file", "-", stdin="piped").code == 0
    sent = [request.body["public_key"] for request in signed_in.requests("POST", path)]
    assert sent == ["-----BEGIN PUBLIC KEY-----\n", "piped"]
    signed_in.once("DELETE", f"{path}/k1", GONE)
    assert pks("distrust-key", "payments", "k1", stdin="y\n").code == 0


def test_exceptions_are_asked_for_and_decided(pks: Pks, signed_in: FakePortal) -> None:
    path = f"{PROJECT_PATH}/exceptions"
    signed_in.once("GET", path, listed(EXCEPTION))
    assert pks("exceptions", "payments").out.splitlines()[1].split()[:4] == ["e1", "CVE-2024-1", "web/*", "open"]
    signed_in.once("POST", path, (201, EXCEPTION))
    asked = pks("request-exception", "payments", "CVE-2024-1", "--reason", "not reached", "--repositories", "web/*")
    assert "Status:         open" in asked.out
    assert signed_in.requests("POST", path)[0].body == {
        "vulnerability": "CVE-2024-1", "reason": "not reached", "days": 30, "repositories": "web/*", "package": "",
    }  # fmt: skip
    for verb in ("approve", "reject"):
        signed_in.once("POST", f"{path}/e1/{verb}", (200, EXCEPTION))
        assert pks(f"{verb}-exception", "payments", "e1", "--comment", "so", "--json").json == EXCEPTION
        assert signed_in.requests("POST", f"{path}/e1/{verb}")[0].body == {"comment": "so"}
    signed_in.once("POST", f"{path}/e1/withdraw", (200, EXCEPTION))
    assert pks("withdraw-exception", "payments", "e1").code == 2
    assert pks("withdraw-exception", "payments", "e1", stdin="y\n").code == 0


def test_a_database_is_uploaded_as_it_is(pks: Pks, signed_in: FakePortal, tmp_path: Path) -> None:
    path, file = f"{REST}/scanners/databases/osv-feed", tmp_path / "feed.zip"
    file.write_text("a feed")
    taken = {"name": "OSV: debian", "state": "ok", "updated_at": AT, "records": 34, "sources": [], "cause": ""}
    signed_in.once("PUT", path, (401, {}), (200, taken))
    ran = pks("upload-database", "osv-feed", str(file), "--name", "debian")
    assert ran.out == "OSV: debian is taken in: 34 records.\n"
    sent = signed_in.requests("PUT", path)
    assert len(sent) == 2, "the sign-in had expired: what was read of the file is sent again"
    assert {(one.body, one.query["name"], one.headers["content-length"]) for one in sent} == {("a feed", "debian", "6")}
    for unreadable in (tmp_path / "absent", tmp_path):
        assert (ran := pks("upload-database", "osv-feed", str(unreadable))).code == 2
        assert "cannot be read" in ran.err


def test_all_images_are_judged_anew(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("POST", f"{REST}/scanners", *[(202, {"task": task()})] * 2)
    assert pks("judge-images").out == "Use 'pks task t1 --watch' to follow it\n"
    signed_in.task = task("failed")
    assert pks("judge-images", "--wait").code == 1


def test_reports_and_counts(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("GET", f"{REST}/artifacts", listed(ARTIFACT))
    signed_in.once("GET", f"{REST}/artifacts/a1/report", (200, {"application/x": {"severity": "High"}}))
    assert pks("image-report", "payments/web:1.0").json == {"application/x": {"severity": "High"}}
    words = ("critical", "high", "medium", "low", "negligible", "unknown")
    counts = {
        "images": 9,
        "scanned": 7,
        "unscanned": 1,
        "failed": 1,
        "partly": 2,
        "fixable": 3,
        **dict.fromkeys(words, 4),
    }
    signed_in.once("GET", f"{REST}/vulnerabilities/summary", (200, counts), (200, counts))
    out = pks("image-security", "-t", "payments").out
    assert [line.split()[-1] for line in out.splitlines()] == ["9", "7", "1", "1", "2", *["4"] * 6, "3"]
    assert pks("image-security", "--json").json == counts
