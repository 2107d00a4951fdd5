"""Emergency access in a browser: the dialog, what everybody sees while somebody is in, and the end of it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import LOOKS, Visitor, axe, until

REASON = "Incident 4711: etcd is full, I compact it."
MAKE = """
from clusters.models import Cloud, Cluster, NodePool, Plan
from tenants.models import Tenant, User
# at work: nobody looks whether it is really there
row = Cluster.objects.create(
    name="rescued", version="1.37.2", status="changing", tenant=Tenant.objects.get(slug="payments"),
    created_by=User.objects.get(username="li.na"), endpoint="https://127.0.0.9:6443",
    cloud=Cloud.objects.get(slug="local"), plan=Plan.objects.get(slug="small"),
)
NodePool.objects.create(cluster=row, nodes=1, vcpu=2, memory_gib=4)
print(row.pk)
"""
REMOVE = "from clusters.models import Cluster; Cluster.objects.filter(name='rescued').delete()"
ENTER = """
from datetime import timedelta
from django.utils import timezone
from clusters import emergency
from clusters.models import Cluster
from tenants.models import User
boss, row = User.objects.get(username="zhang.wei"), Cluster.objects.get(name="rescued")
emergency._opened(boss, row, "{reason}", timedelta(minutes=30))
"""


@pytest.fixture
def rescued(portal: Any) -> Iterator[str]:
    """Return the path of the page of a tenant's cluster."""
    portal.run(REMOVE)
    yield f"/clusters/{portal.run(MAKE)}"
    portal.run(REMOVE)


def picture(page: Page, name: str) -> None:
    """Keep a picture where whoever runs the test wants to look at it."""
    if folder := os.environ.get("PKS_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_who_enters_says_why_and_is_told_what_happens(visitor: Visitor, rescued: str) -> None:
    page = visitor.page("zhang.wei")
    visitor.open(page, rescued)
    page.get_by_role("button", name="Emergency access…").click()
    dialog = page.locator("#emergency[open]")
    assert "administrators of" in dialog.inner_text()
    dialog.get_by_role("button", name="Enter and show it").click()
    assert page.evaluate("document.activeElement.id") == "emergency-reason", "without a reason it is not sent"
    dialog.get_by_label("Reason").fill(REASON)
    dialog.get_by_role("button", name="More").click()
    assert dialog.get_by_label("For how many minutes").input_value() == "35"
    dialog.get_by_role("button", name="Enter and show it").click()
    until(page, lambda: dialog.locator("#emergency-errors .note, #emergency-errors [role=alert]").count(), "refused")
    assert dialog.get_by_label("Reason").input_value() == REASON, "what was typed stays"
    assert axe(page) == []
    visitor.open(page, f"{rescued}?tab=access")
    assert REASON in page.inner_text("main"), "it was announced, and is listed"
    admin = visitor.open(visitor.page("sun.li"), "/notices")
    assert "zhang.wei entered cluster rescued in an emergency, for 35 minutes" in admin.inner_text("main")


def test_everybody_sees_who_is_in_and_the_tenant_ends_it(visitor: Visitor, rescued: str) -> None:
    viewer = visitor.open(visitor.page("wang.fang"), rescued)
    until(viewer, lambda: viewer.locator("[data-feed-state=open]").count(), "the feed is open")
    visitor.portal.run(ENTER.format(reason=REASON))
    banner = viewer.locator("main .note", has_text="is in this cluster")
    until(viewer, lambda: banner.count(), "it appears by itself")
    assert REASON in banner.inner_text()
    assert banner.get_by_role("button").count() == 0, "a viewer ends nothing"
    assert viewer.get_by_role("button", name="Emergency access…").count() == 0
    admin = visitor.open(visitor.page("sun.li"), rescued)
    admin.get_by_role("button", name="End now").click()
    admin.wait_for_url("**tab=access")
    assert admin.locator("main .note", has_text="is in this cluster").count() == 0
    assert "Over" in admin.inner_text("#cluster [id^=entered-]")
    until(viewer, lambda: banner.count() == 0, "it goes by itself")


@pytest.mark.parametrize(("lang", "theme", "width"), LOOKS)
def test_its_looks(visitor: Visitor, rescued: str, lang: str, theme: str, width: int) -> None:
    look = f"{lang}-{theme}-{width}"
    page = visitor.page("zhang.wei", lang=lang, theme=theme, width=width)
    visitor.open(page, rescued)
    page.click("[commandfor=emergency][command=show-modal]")
    picture(page, f"dialog-{look}")
    found = [*axe(page), fits(page)]
    visitor.portal.run(ENTER.format(reason=REASON))
    visitor.open(page, f"{rescued}?tab=access")
    assert page.locator("main .note form button").count() == 1
    picture(page, f"inside-{look}")
    assert [*found, *axe(page), fits(page)] == [True, True]
