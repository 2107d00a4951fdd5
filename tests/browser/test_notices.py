"""Notices and webhooks in Chromium: the bell moves by itself, and a secret is shown once."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Visitor, axe, until
from tests.notices.receiver import Receiver

TELL = """
from tenants import notices
from tenants.models import Tenant, User
user, tenant = User.objects.get(username="sun.li"), Tenant.objects.get(slug="payments")
notices.tell("webhook.stopped", to=[user], tenant=tenant, link="/tenants/payments/webhooks", host="old.example", days=3)
"""


@pytest.fixture
def page(visitor: Visitor) -> Iterator[Page]:
    nothing = "from tenants.models import *; Notice.objects.all().delete(); Webhook.objects.all().delete()"
    visitor.portal.run(nothing)  # other tests give cause for notices too
    yield visitor.page("sun.li")
    visitor.portal.run(nothing)


@pytest.mark.parametrize(("lang", "theme", "width"), [("en", "light", 1440), ("zh", "dark", 390)])
def test_the_bell_rings_by_itself_and_leads_there(
    visitor: Visitor, page: Page, lang: str, theme: str, width: int
) -> None:
    page = visitor.page("sun.li", lang=lang, theme=theme, width=width)
    visitor.open(page, "/clusters")
    until(page, lambda: page.locator("[data-feed-state=open]").count(), "the feed is open")
    visitor.portal.run(TELL)
    until(page, lambda: page.inner_text("#count-notices") == "1", "the bell has counted it")
    page.locator(".bell").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#notices-panel a")
    assert axe(page) == []
    box = page.locator("#notices-menu").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.click("#notices-panel .unread a")
    page.wait_for_url("**/tenants/payments/webhooks")
    assert page.inner_text("#count-notices") == ""


def test_all_are_read_at_once_in_the_panel_and_on_the_page(visitor: Visitor, page: Page) -> None:
    visitor.portal.run(TELL + TELL)
    visitor.open(page, "/notices")
    assert page.locator("#notices .unread").count() == 2
    page.click(".bell")
    page.click("#notices-panel button")
    until(page, lambda: page.locator("#notices .unread").count() == 0, "the page has followed")
    assert page.locator("#notices-panel .unread").count() == 0


def test_a_webhook_is_made_tried_and_shows_why_it_failed(visitor: Visitor, page: Page) -> None:
    with Receiver() as receiver:  # inside: the portal must not reach it
        visitor.open(page, "/tenants/payments/webhooks")
        page.locator("[commandfor=new-webhook]").first.click()
        for never in ("https://user@hook.example/", f"https://127.0.0.1:{receiver.port}/hook"):
            page.fill("#new-url", never)
            page.click("#new-webhook .pri")
            page.wait_for_selector("#new-webhook-errors .note")
            page.evaluate("document.getElementById('new-webhook-errors').replaceChildren()")
        page.fill("#new-url", f"https://localhost:{receiver.port}/hook")  # where a name leads is seen when it is called
        page.click("#new-webhook .pri")
        page.wait_for_selector("#new-webhook-shown pre")
        secret = page.inner_text("#new-webhook-shown pre")
        assert secret.startswith("whsec_")
        assert axe(page) == []
        page.click("#new-webhook-shown a.pri")
        page.wait_for_url("**/webhooks/*-*")
        assert secret not in page.content()
        page.click(".head .btn.pri")
        until(page, lambda: page.locator("#deliveries .chip.bad").count() == 1, "the attempt was given up")
        assert "localhost" in page.inner_text("#deliveries td.wide")
        assert axe(page) == []
        assert receiver.seen == []
