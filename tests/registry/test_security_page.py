"""What nobody has judged is no zero: not in the counts, not in a search, and the page says who can help."""

from typing import Any

import pytest
from django.utils import timezone

from registry.models import Artifact, Project, Repository, Scan
from tests.factories import MembershipFactory
from tests.permissions.people import browser_of
from tests.tools import client_of

pytestmark = pytest.mark.django_db


def image(project: Project, **facts: Any) -> Artifact:
    repository = Repository.objects.get_or_create(project=project, name="web")[0]
    return Artifact.objects.create(
        repository=repository, digest=f"sha256:{Artifact.objects.count():064}", manifest_size=1, size=1, kind="image",
        media_type="application/vnd.oci.image.manifest.v1+json", pushed_by="x", **facts,
    )  # fmt: skip


def test_no_count_without_a_judgement(project: Project) -> None:
    user = MembershipFactory.create(tenant=project.tenant, role="viewer").user
    image(project, scan_state="error")

    def asked() -> tuple[Any, str, str]:
        counts = client_of(user).get("/api/v1/registry/vulnerabilities/summary").json()
        browser = browser_of(user)
        return counts, *(browser.get(path).content.decode() for path in ("/security", "/security?q=CVE-2024-1"))

    counts, page, found = asked()
    assert (counts["images"], counts["failed"], counts["critical"], counts["fixable"]) == (1, 1, None, None)
    assert "no image has been judged" in page
    assert "0 high" not in page
    assert "none is known to carry it or not" in found
    image(project, scan_state="success", scanned_at=timezone.now(), worst=4, high=2)
    counts, page, found = asked()
    assert (counts["scanned"], counts["critical"], counts["high"]) == (1, 0, 2)
    assert "2 high" in page
    assert "No image that you may see carries it" in found


def test_one_cause_of_all_scanners_is_said_once_with_what_helps(project: Project) -> None:
    user = MembershipFactory.create(tenant=project.tenant, role="viewer").user
    artifact = image(project, scan_state="error")
    for scanner in ("osv", "trivy"):
        Scan.objects.create(artifact=artifact, scanner=scanner, state="error", error_key="error.database_absent")
    page = browser_of(user).get(f"/images/shop/web@{artifact.digest}").content.decode()
    assert page.count("There is no vulnerability database") == 1
    assert "A platform administrator uploads one" in page
    assert "osv, trivy" in page
