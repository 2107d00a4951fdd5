"""Pages of the registry: accessible in every look, as wide as the window, quick with many findings."""

from typing import Any

import pytest

from tests.browser.conftest import LOOKS, Visitor, axe, until

FINDINGS = 2000
SEED = f"""
from datetime import timedelta
from django.utils import timezone
from registry import projects
from registry.models import *
projects.provide()
project = Project.objects.get(name="payments")
repository, made = Repository.objects.get_or_create(project=project, name="shop/api", defaults={{"about": "# Shop\\n\\nIt *sells*."}})
if made:
    def artifact(number, **more):
        return Artifact.objects.create(
            repository=repository, digest=f"sha256:{{number:064x}}", media_type="application/vnd.oci.image.manifest.v1+json",
            manifest_size=400, size=9_000_000, pushed_by="li.na", **more)
    image = artifact(1, kind="image", os="linux", architecture="amd64", scan_state="success", scanned_at=timezone.now(),
        worst=5, critical=400, high=400, medium=400, low=400, negligible=200, unknown=200, fixable=1000, not_assessed=True,
        layers=[{{"digest": f"sha256:{{7:064x}}", "size": 10, "media_type": "application/vnd.oci.image.layer.v1.tar+gzip"}}],
        config={{"config": {{"Cmd": ["/shop"], "Env": ["A=b"]}}, "history": [{{"created_by": "COPY . /", "created": "2026-01-01T00:00:00Z", "empty_layer": False}}]}})
    scan = Scan.objects.create(artifact=image, scanner="trivy", scanner_version="0.76.0", state="success", current=True,
        ended_at=timezone.now(), database="trivy-db", database_state="old", database_updated_at=timezone.now() - timedelta(days=9),
        database_records=5, database_sources=["Tests"], not_assessed=["RubyGems"])
    Vulnerability.objects.bulk_create([Vulnerability(id=f"CVE-2024-{{n:05}}", title="Something is wrong in a package") for n in range({FINDINGS})])
    Finding.objects.bulk_create([Finding(scan=scan, vulnerability_id=f"CVE-2024-{{n:05}}", package=f"package-{{n}}", version="1.0",
        severity=5 - n * 6 // {FINDINGS}, score=9.9 - n / 300, fixed_in="1.1" if n % 2 else "") for n in range({FINDINGS})])
    Sbom.objects.create(artifact=image, scanner="trivy", scanner_version="0.76.0", cyclonedx="{{}}", spdx="{{}}",
        packages=[{{"name": "package-1", "version": "1.0", "ecosystem": "npm", "licenses": ["MIT"]}}])
    Tag.objects.create(repository=repository, name="1.4.0", artifact=image, pushed_by="li.na")
    TagChange.objects.create(repository=repository, name="1.4.0", digest=image.digest, by="li.na")
    index = artifact(2, kind="index")
    Tag.objects.create(repository=repository, name="many", artifact=index)
    child = artifact(3, kind="image", os="linux", architecture="arm64", listed=False)
    ArtifactChild.objects.create(parent=index, digest=child.digest, position=0, size=1, platform={{"os": "linux", "architecture": "arm64"}})
    ArtifactChild.objects.create(parent=index, digest=f"sha256:{{9:064x}}", position=1, size=1, attests=child.digest)
    artifact(4, kind="signature", subject=image.digest, listed=False)
    artifact(5, kind="image", scan_state="error")
    Repository.objects.filter(pk=repository.pk).update(artifacts_listed=3)
    from tenants.models import User
    label = Label.objects.create(project=project, name="end of life", colour="amber", about="Goes with the next release")
    Label.objects.create(name="approved", colour="green")
    ArtifactLabel.objects.create(artifact=image, label=label)
    Robot.objects.create(project=project, name="ci", rights=["pull", "push"], expires_at=timezone.now() + timedelta(days=3))
    ProjectMember.objects.create(project=project, user=User.objects.get(username="chen.jie"), role="viewer")
    TrustedKey.objects.create(project=project, name="release", pem="", fingerprint="ab" * 32)
    for status in ("open", "approved", "rejected"):
        CveException.objects.create(project=project, vulnerability=f"CVE-2024-{{status}}", reason="not reachable", status=status,
            asked_by=User.objects.get(username="wu.hao"), expires_at=timezone.now() + timedelta(days=9))
    ImmutableRule.objects.create(project=project, tags="1.*")
    Collection.objects.create(ended_at=timezone.now(), manifests=3, bytes_before=9_000_000, bytes_after=4_000_000)
    Collection.objects.create(dry_run=True, ended_at=timezone.now(), manifests=1, would_free=4096)
    RetentionRun.objects.create(project=project, dry_run=True, ended_at=timezone.now(), kept=0, going=1, report=[
        {{"repository": "shop/api", "digest": f"sha256:{{4:064x}}", "id": "x", "kind": "image", "tags": ["old"], "size": 400, "goes": True,
        "why": [{{"key": "retention.goes", "args": {{}}}}]}}])
"""  # noqa: E501
IMAGE = "/images/payments/shop/api:1.4.0"
COMPARED = f"/images/payments/shop/api?tab=compare&after=sha256:{5:064x}"
TABS = ("", "?tab=packages", "?tab=overview", "?tab=layers", "?tab=history", "?tab=tags", "?tab=about")
PROJECT_TABS = ("repositories", "members", "robots", "policy", "rules", "exceptions", "labels", "audit")
PATHS = [
    "/images", "/approvals/exceptions",
    "/security", "/security?q=CVE-2024", "/images/payments/shop/api", "/images/payments/shop/api?tab=readme",
    "/images/payments/shop/api?tab=compare", f"{COMPARED}&before=1.4.0", f"{COMPARED}&before=many",
    "/images/payments/shop/api:many", *(f"{IMAGE}{tab}" for tab in TABS),
    *(f"/images/payments?tab={tab}" for tab in PROJECT_TABS),
]  # fmt: skip

OF_PLATFORM = ["/platform/scanners", "/platform/labels", "/platform/image-storage"]


@pytest.fixture(scope="module", autouse=True)
def images(portal: Any) -> None:
    """Make a project with an image of many findings, and one of each thing around it."""
    portal.run(SEED)


@pytest.mark.parametrize(("lang", "theme", "width"), LOOKS)
def test_the_pages_are_accessible_and_fit(visitor: Visitor, lang: str, theme: str, width: int) -> None:
    pages = {login: visitor.page(login, lang=lang, theme=theme, width=width) for login in ("sun.li", "zhang.wei")}
    found = {}
    for login, path in [*(("sun.li", path) for path in PATHS), *(("zhang.wei", path) for path in OF_PLATFORM)]:
        page = pages[login]
        answer = page.goto(f"{visitor.portal.url}{path}")
        problems = axe(page) if answer and answer.ok else [f"answered {answer.status if answer else 'nothing'}"]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            problems.append("wider than the window")
        if problems:
            found[path] = problems
    assert found == {}


@pytest.mark.parametrize("width", [320, 768, 1920])
def test_the_pages_fit_every_width(visitor: Visitor, width: int) -> None:
    page = visitor.page("sun.li", width=width)
    wide = []
    for path in PATHS:
        visitor.open(page, path)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(path)
    assert wide == []


def test_many_findings_come_a_page_at_a_time_the_worst_first(visitor: Visitor) -> None:
    page = visitor.open(visitor.page("wang.fang"), IMAGE)
    assert page.locator("text=1–50 of 2000").count() == 1
    assert page.locator("tbody tr").count() == 50
    assert page.locator("tbody tr .sev.critical").count() == 50
    page.select_option("[name=severity]", "low")
    page.click("main form.bar button[type=submit]")
    until(page, lambda: page.locator("tbody tr .sev.low").count() == 50, "only low ones are listed")
    assert "severity=low" in page.url


def test_a_database_s_age_and_gaps_are_said(visitor: Visitor) -> None:
    page = visitor.open(visitor.page("wang.fang"), IMAGE)
    text = page.inner_text("main")
    assert "old database" in text
    assert "RubyGems" in text


def test_a_robot_s_secret_is_shown_once(visitor: Visitor) -> None:
    page = visitor.open(visitor.page("sun.li"), "/images/payments?tab=robots")
    page.click("[commandfor=new-robot][command=show-modal]")
    page.fill("#robot-name", "deploy")
    page.click("#new-robot button[type=submit]")
    until(page, lambda: page.locator("#new-robot-shown pre").count() >= 2, "the secret is shown")
    assert page.inner_text("#new-robot-shown pre >> nth=0") == "robot-payments.deploy"
    secret = page.inner_text("#new-robot-shown pre >> nth=1")
    assert axe(page) == []
    visitor.open(page, "/images/payments?tab=robots")
    assert "robot-payments.deploy" in page.inner_text("main")
    assert secret not in page.content()


def test_a_readme_is_written_and_can_do_no_harm(visitor: Visitor) -> None:
    page = visitor.open(visitor.page("wu.hao"), "/images/payments/shop/api?tab=readme")
    page.click("#readme-form summary")
    page.fill("#readme-text", "# Title\n\n<script>alert(1)</script> [x](javascript:alert(2)) **bold**")
    page.click("#readme-form button[type=submit]")
    until(page, lambda: page.locator(".readme strong").count() == 1, "it is shown")
    assert page.locator(".readme script, .readme a[href^=javascript]").count() == 0


def test_an_exception_is_asked_for_and_decided_by_somebody_else(visitor: Visitor) -> None:
    asks = visitor.open(visitor.page("wu.hao"), "/images/payments?tab=exceptions")
    asks.fill("#vulnerability", "CVE-2024-00001")
    asks.fill("#reason", "only on our own network")
    asks.click("form[data-typed] button[type=submit]")
    until(asks, lambda: asks.locator("tr:has-text('CVE-2024-00001') .chip.warn").count(), "it is open")
    decides = visitor.open(visitor.page("sun.li"), "/approvals")
    decides.click("#approval-tabs a:has-text('CVE exceptions')")
    with decides.expect_navigation():
        decides.click("tr:has-text('CVE-2024-00001') [value=approve]")
    assert decides.locator("tr:has-text('CVE-2024-00001')").count() == 0, "it waits no longer"
    visitor.open(decides, "/images/payments?tab=exceptions")
    until(decides, lambda: decides.locator("tr:has-text('CVE-2024-00001') .chip.ok").count(), "it is allowed")


def test_a_dry_run_says_what_would_go_and_why(visitor: Visitor) -> None:
    page = visitor.open(visitor.page("sun.li"), "/images/payments?tab=rules")
    page.fill("#retention-repositories", "shop/*")
    page.fill("#number", "1")
    page.click("button:has-text('Add rule')")
    page.click("button:has-text('Dry run')")
    page.wait_for_url("**/tasks/*")

    def decided() -> bool:
        visitor.open(page, "/images/payments?tab=rules")
        return page.locator("tbody .chip.ok").count() > 0

    until(page, decided, "the run has ended")
    text = page.inner_text("main")
    assert "the tag 1.4.0 is immutable" in text
    assert "no rule keeps it" in text
    page.click("button:has-text('Run now')")
    assert page.locator("#run-retention").is_visible()
    assert axe(page) == []
