"""The wallet in a browser: listing and revoking, choosing several clusters, and what the form asks for."""

from typing import Any

import pytest

from tests.browser.conftest import Visitor, axe, until

SEED = """
from datetime import timedelta
from django.utils import timezone
from clusters.models import Cloud, Cluster, Kubeconfig, NodePool, Plan
from tenants.models import Tenant, User
tenant = Tenant.objects.get(slug="retail")
chen = User.objects.get(username="chen.jie")  # who may have them: the sweep withdraws those of others
place = {"tenant": tenant, "cloud": Cloud.objects.get(slug="local"), "plan": Plan.objects.get(slug="small")}
Cluster.objects.filter(name__startswith="wallet-").delete()
for name in ("wallet-a", "wallet-b"):
    # at work: nobody looks whether it is really there
    row = Cluster.objects.create(
        name=name, version="1.37.2", status="changing", created_by=chen, endpoint="https://127.0.0.9:6443", **place
    )
    NodePool.objects.create(cluster=row, nodes=1, vcpu=2, memory_gib=4)
    for kind in ("exec", "certificate"):
        Kubeconfig.objects.create(
            cluster=row, holder=chen, kind=kind, name=f"{name}-{kind}", level="edit",
            expires_at=timezone.now() + timedelta(days=9),
        )
"""


@pytest.fixture
def seeded(portal: Any) -> Any:
    """Two clusters that have an API, each with two kubeconfigs."""
    portal.run(SEED)
    yield portal
    portal.run("from clusters.models import Cluster; Cluster.objects.filter(name__startswith='wallet-').delete()")


def test_one_is_revoked_and_the_list_follows(visitor: Visitor, seeded: Any) -> None:
    page = visitor.page("chen.jie")
    visitor.open(page, "/kubeconfigs?state=valid&q=wallet-")
    rows = page.locator("#kubeconfigs tbody tr")
    assert rows.count() == 4
    page.get_by_label("Kind").select_option("exec")
    until(page, lambda: rows.count() == 2, "the filter is applied")
    assert "kind=exec" in page.url
    rows.filter(has_text="wallet-a").get_by_role("button", name="Revoke…").click()
    dialog = page.locator("dialog[open]")
    until(page, lambda: dialog.get_by_text("This cannot be undone").count(), "the dialog says what it does")
    assert axe(page) == []
    page.keyboard.press("Escape")
    assert rows.count() == 2, "asking takes nothing away"
    rows.filter(has_text="wallet-a").get_by_role("button", name="Revoke…").focus()
    page.keyboard.press("Enter")
    until(page, lambda: dialog.get_by_text("wallet-a").count(), "it says of which cluster")
    dialog.get_by_role("button", name="Revoke", exact=True).click()
    until(page, lambda: rows.count() == 1, "the row is no longer among the valid ones")
    assert "kind=exec" in page.url, "one is back where one was"


def test_the_form_shows_what_its_kind_needs_and_says_each_refusal(visitor: Visitor, seeded: Any) -> None:
    page = visitor.page("chen.jie")
    visitor.open(page, "/clusters?q=wallet-")
    assert not page.locator("#merged button").is_visible()
    page.get_by_label("Select wallet-a").check()
    page.get_by_label("Select wallet-b").check()
    page.get_by_role("button", name="One kubeconfig for the selected").click()
    until(page, lambda: page.locator("[name=cluster]:checked").count() == 2, "both are chosen")
    page.check("[name=kind][value=certificate]")
    assert page.locator("[name=level]").first.is_visible()
    assert page.locator("#kubeconfig-hours").is_visible()
    page.check("[name=level][value=admin]")
    assert not page.locator("#kubeconfig-hours").is_visible()
    lives = page.locator("#kubeconfig-hours-admin option").all_inner_texts()
    assert lives == ["1 hour", "8 hours", "1 day"], "no longer than may be"
    page.check("[name=level][value=edit]")
    page.get_by_role("button", name="Show it").click()
    until(page, lambda: page.locator("#kubeconfig-errors [role=alert]").count() == 2, "the refusals are said")
    said = page.locator("#kubeconfig-errors").inner_text()
    assert "retail/wallet-a" in said
    assert "retail/wallet-b" in said
    assert axe(page) == []


@pytest.mark.parametrize(
    ("lang", "theme", "width"), [("en", "light", 1440), ("zh", "dark", 1440), ("zh", "light", 390)]
)
def test_it_is_accessible_and_fits(visitor: Visitor, seeded: Any, lang: str, theme: str, width: int) -> None:
    page = visitor.page("chen.jie", lang=lang, theme=theme, width=width)
    for path in ("/kubeconfigs", "/kubeconfigs?mine=1&q=nothing", "/kubeconfigs/new", "/kubeconfigs/revoke?mine=1"):
        visitor.open(page, path)
        assert axe(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
