"""A tenant's administrator lets a program in: the token is shown once, works, and is dead once it is revoked."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.browser.conftest import Visitor, axe, until

HERE = "/tenants/payments/automation"


def me(url: str, token: str) -> int:
    asked = urllib.request.Request(f"{url}/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(asked) as answer:
            assert json.load(answer)["username"] == "payments/ci-walk"
            return 200
    except urllib.error.HTTPError as refused:
        return refused.code


def test_from_no_account_to_a_revoked_token(visitor: Visitor, portal: Any) -> None:
    page = visitor.page("sun.li")
    visitor.open(page, HERE)
    page.get_by_role("button", name="New service account").click()
    page.fill("#account-name", "ci-walk")
    page.fill("#account-about", "Builds the payment gateway")
    page.click("#new-account .pri")
    account = page.locator("section.panel", has=page.get_by_role("heading", name="payments/ci-walk"))
    account.get_by_role("button", name="New token").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Name", exact=True).fill("pipeline")
    dialog.get_by_label("Only from").fill("10.0.0.1/8")
    dialog.get_by_role("button", name="Issue the token").click()
    until(page, lambda: dialog.get_by_role("alert").count(), "the network is refused")
    dialog.get_by_label("Only from").fill("127.0.0.0/8")
    dialog.get_by_role("button", name="Issue the token").click()
    until(page, lambda: dialog.locator("[data-once] pre").count(), "the token is shown")
    assert axe(page) == []
    token = dialog.locator("[data-once] pre").first.inner_text()
    assert me(portal.url, token) == 200
    page.keyboard.press("Escape")
    until(page, lambda: account.get_by_text("pipeline").count(), "the page shows the token's name")
    assert page.locator("[data-once] pre").count() == 0, "shown once"
    assert token not in page.content()
    _rotate_and_revoke(visitor, page, portal.url, token)


def _rotate_and_revoke(visitor: Visitor, page: Any, url: str, token: str) -> None:
    account = page.locator("section.panel", has=page.get_by_role("heading", name="payments/ci-walk"))
    dialog = page.locator("dialog[open]")
    account.get_by_role("button", name="Rotate…").click()
    dialog.get_by_role("button", name="Rotate", exact=True).click()
    until(page, lambda: dialog.locator("[data-once] pre").count(), "the new secret is shown")
    assert me(url, dialog.locator("[data-once] pre").first.inner_text()) == 200
    assert me(url, token) == 200, "the old one for an hour"
    visitor.open(page, HERE)
    account.get_by_role("button", name="Revoke…").click()
    dialog.get_by_role("button", name="Revoke", exact=True).click()
    until(page, lambda: account.get_by_text("No token yet").count(), "the token is gone")
    assert me(url, token) == 401


@pytest.mark.parametrize(
    ("lang", "theme", "width"), [("en", "light", 1440), ("zh", "dark", 1440), ("zh", "light", 390)]
)
def test_it_is_accessible_and_fits(visitor: Visitor, lang: str, theme: str, width: int) -> None:
    page = visitor.page("sun.li", lang=lang, theme=theme, width=width)
    for path in (HERE, "/profile"):
        visitor.open(page, path)
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
