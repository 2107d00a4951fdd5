"""What is told of an image out of several scans: Harbor's report, and the figures beside it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from registry.models import Artifact, Finding, Project, Repository, Scan, Vulnerability
from registry.scanning import harbor, scans
from registry.severity import Severity
from tests.factories import TenantFactory

pytestmark = pytest.mark.django_db
DIGEST = f"sha256:{'1' * 64}"
V3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"


@pytest.fixture
def image() -> Artifact:
    project = Project.objects.create(tenant=TenantFactory.create(slug="shop"), name="shop")
    repository = Repository.objects.create(project=project, name="web")
    return Artifact.objects.create(
        repository=repository, digest=DIGEST, kind="image", media_type="m", manifest_size=1, size=1
    )


def scan(image: Artifact, scanner: str, *findings: dict[str, Any], **more: Any) -> Scan:
    """Write down what a scanner said of an image."""
    said = {"state": "success", "current": True, "ended_at": datetime(2026, 1, 2, tzinfo=UTC)} | more
    row = Scan.objects.create(artifact=image, scanner=scanner, **said)
    for one in findings:
        name = one.pop("id", "CVE-2026-1")
        known, _made = Vulnerability.objects.get_or_create(id=name, defaults={"title": f"About {name}"})
        told = {"package": "thing", "version": "1.0", "severity": Severity.HIGH} | one
        Finding.objects.create(scan=row, vulnerability=known, **told)
    return row


def reported(image: Artifact) -> dict[str, Any]:
    """Return the one report of an image."""
    said = harbor.report(image, image.scans.all())
    assert list(said) == ["application/vnd.security.vulnerability.report; version=1.1"]
    return dict(said[harbor.MIME])


@pytest.mark.parametrize("state", ["queued", "running", "error", "stopped"])
def test_without_a_scan_that_succeeded_there_is_no_report(image: Artifact, state: str) -> None:
    assert harbor.report(image, image.scans.all()) == {}
    scan(image, "trivy", {}, state=state, current=False)
    assert harbor.report(image, image.scans.all()) == {}


def test_nothing_found_is_a_report_with_nothing_in_it(image: Artifact) -> None:
    scan(image, "trivy", scanner_version="0.76.0")
    said = reported(image)
    assert (said["severity"], said["vulnerabilities"]) == ("None", [])
    assert said["scanner"] == {"name": "Trivy", "vendor": "Aqua Security", "version": "0.76.0"}
    assert said["generated_at"] == "2026-01-02T00:00:00+00:00"


def test_a_vulnerability_is_told_as_harbor_does(image: Artifact) -> None:
    row = {"fixed_in": "1.1", "score": 9.8, "vector": V3, "status": "fixed", "cwe_ids": ["CWE-79"]}
    scan(image, "trivy", {**row, "severity": Severity.CRITICAL})
    Vulnerability.objects.update(description="All of it", links=["https://example.com/1"])
    assert reported(image)["vulnerabilities"] == [
        {
            "id": "CVE-2026-1", "package": "thing", "version": "1.0", "fix_version": "1.1", "severity": "Critical",
            "status": "fixed", "description": "All of it", "links": ["https://example.com/1"],
            "artifact_digests": [DIGEST], "cwe_ids": ["CWE-79"], "vendor_attributes": {"scanners": ["trivy"]},
            "preferred_cvss": {"score_v3": 9.8, "score_v2": None, "vector_v3": V3, "vector_v2": ""},
        }
    ]  # fmt: skip


def test_without_a_description_there_is_the_title(image: Artifact) -> None:
    scan(image, "trivy", {})
    assert reported(image)["vulnerabilities"][0]["description"] == "About CVE-2026-1"


@pytest.mark.parametrize("level", Severity)
def test_severities_are_harbors_words(image: Artifact, level: Severity) -> None:
    scan(image, "trivy", {"severity": level})
    words = ["Unknown", "Negligible", "Low", "Medium", "High", "Critical"]
    said = reported(image)
    assert said["severity"] == said["vulnerabilities"][0]["severity"] == words[level]


def test_what_two_scanners_found_is_told_once_by_the_worst(image: Artifact) -> None:
    scan(image, "trivy", {"severity": Severity.LOW, "fixed_in": "1.1, 2.1", "status": "fixed", "cwe_ids": ["CWE-2"]})
    scan(image, "osv", {"severity": Severity.HIGH, "status": "affected", "cwe_ids": ["CWE-1", "CWE-2"]})
    (one,) = reported(image)["vulnerabilities"]
    assert (one["severity"], one["fix_version"], one["status"]) == ("High", "1.1, 2.1", "fixed")
    assert (one["vendor_attributes"], one["cwe_ids"]) == ({"scanners": ["osv", "trivy"]}, ["CWE-1", "CWE-2"])
    image = scans.sum_up(image)
    assert (image.high, image.low, image.fixable, image.worst) == (1, 0, 1, Severity.HIGH)


def test_other_packages_and_other_versions_are_others(image: Artifact) -> None:
    rows: Sequence[dict[str, Any]] = ({}, {"package": "other"}, {"version": "2.0"}, {"id": "CVE-2026-0"})
    scan(image, "trivy", *rows)
    keys = [(one["id"], one["package"], one["version"]) for one in reported(image)["vulnerabilities"]]
    assert keys == [
        ("CVE-2026-0", "thing", "1.0"), ("CVE-2026-1", "other", "1.0"), ("CVE-2026-1", "thing", "1.0"),
        ("CVE-2026-1", "thing", "2.0"),
    ]  # fmt: skip


def test_the_worst_comes_first(image: Artifact) -> None:
    scan(image, "trivy", *({"id": f"CVE-{level}", "severity": level} for level in Severity))
    assert [one["id"] for one in reported(image)["vulnerabilities"]] == [f"CVE-{level}" for level in (5, 4, 3, 2, 1, 0)]
    assert reported(image)["severity"] == "Critical"


def test_a_rating_of_cvss_4_is_not_called_one_of_3(image: Artifact) -> None:
    scan(image, "osv", {"score": 9.3, "vector": V4})
    (one,) = reported(image)["vulnerabilities"]
    assert one["preferred_cvss"] == {"score_v3": None, "score_v2": None, "vector_v3": "", "vector_v2": ""}
    assert one["vendor_attributes"]["CVSS"] == {"V40Score": 9.3, "V40Vector": V4}
    scan(image, "trivy", {"score": 7.5, "vector": V3})
    (one,) = reported(image)["vulnerabilities"]
    assert one["preferred_cvss"]["score_v3"] == 7.5
    assert one["vendor_attributes"]["CVSS"]["V40Score"] == 9.3


def test_only_what_is_current_counts(image: Artifact) -> None:
    scan(image, "trivy", {"id": "CVE-2026-OLD"}, current=False)
    scan(image, "osv", {})
    assert [one["id"] for one in reported(image)["vulnerabilities"]] == ["CVE-2026-1"]
    assert [one["scanner"] for one in reported(image)["databases"]] == ["osv"]


def test_the_newest_scanner_signs_and_every_database_is_told(image: Artifact) -> None:
    state = {"database": "trivy-db", "database_state": "old", "database_records": 7, "database_sources": ["GitHub"]}
    scan(image, "trivy", **state, database_updated_at=datetime(2026, 1, 1, tzinfo=UTC), not_assessed=["Hex"])
    scan(image, "osv", ended_at=datetime(2026, 1, 3, tzinfo=UTC), scanner_version="1")
    said = reported(image)
    assert said["scanner"] == {"name": "OSV matcher", "vendor": "PKS Portal", "version": "1"}
    assert {one["scanner"]: one for one in said["databases"]}["trivy"] == {
        "scanner": "trivy", "name": "trivy-db", "state": "old", "updated_at": "2026-01-01T00:00:00+00:00", "records": 7,
        "sources": ["GitHub"], "not_assessed": ["Hex"],
    }  # fmt: skip


def test_a_scanner_that_harbor_does_not_know_is_called_by_its_name(image: Artifact) -> None:
    scan(image, "other")
    assert reported(image)["scanner"] == {"name": "other", "vendor": "", "version": ""}


@pytest.mark.parametrize(
    ("told", "partly"),
    [
        ({"trivy": []}, False), ({"trivy": ["Hex"]}, True), ({"trivy": ["Hex"], "osv": []}, False),
        ({"trivy": ["Hex"], "osv": ["Hex", "npm"]}, True), ({"trivy": ["Hex"], "osv": ["npm"]}, False),
        ({"trivy": ["npm"], "osv": ["npm/lodash x"]}, True), ({"trivy": ["PyPI"], "osv": ["npm/lodash x"]}, False),
        ({"trivy": ["npm/lodash x"], "osv": ["npm/other x"]}, False),
        ({"trivy": ["Debian:12/openssl x"], "osv": ["Debian:12"]}, True),
        ({"trivy": ["Go/golang.org/x/net x"], "osv": ["Go"]}, True), ({"trivy": ["?"], "osv": ["?"]}, True),
    ],
)  # fmt: skip
def test_what_nobody_has_assessed_makes_an_image_partly_assessed(
    image: Artifact, told: dict[str, list[str]], partly: bool
) -> None:
    for scanner, missing in told.items():
        scan(image, scanner, not_assessed=missing)
    assert scans.sum_up(image).not_assessed is partly


def test_what_a_failed_scan_did_not_assess_says_nothing(image: Artifact) -> None:
    scan(image, "trivy", not_assessed=["Hex"])
    scan(image, "osv", state="error", current=False)
    image = scans.sum_up(image)
    assert (image.not_assessed, image.scan_state) == (True, "error")


def test_without_any_scan_an_image_is_in_error_and_never_clean(image: Artifact) -> None:
    image = scans.sum_up(image)
    assert (image.scan_state, image.scanned_at, image.worst) == ("error", None, None)


def test_a_package_in_two_versions_is_one_vulnerable_package(image: Artifact) -> None:
    scan(image, "trivy", {"version": "1.0", "severity": Severity.LOW}, {"version": "2.0", "fixed_in": "3"})
    image = scans.sum_up(image)
    assert (image.high, image.low, image.fixable) == (1, 0, 1)
