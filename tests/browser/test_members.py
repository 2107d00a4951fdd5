"""Tenants, members and people in Chromium: found, given a role, explained, deactivated while they look at a page."""

import uuid

import pytest

from tests.browser.conftest import LOOKS, Visitor, axe, until
from tests.browser.portal import Portal

NEWCOMER = """
from tests.browser.seed import _session
from tenants.models import ENVIRONMENT, User
names = {{"display_name": "New Comer", "display_name_zh": "新来的"}}
known = {{"directory_id": "test-{name}", "directory_source_id": ENVIRONMENT}}
user = User.objects.create(username="{name}", **names, **known)
print(user.pk, _session(user))
"""
PAGES = {
    "sun.li": ["/tenants", "/tenants/payments", "/tenants/payments/members", "/profile/roles"],
    "zhang.wei": [
        "/tenants",
        "/tenants/payments",
        "/tenants/payments/members",
        "/platform/people",
        "/platform/retention",
    ],
}


def newcomer(portal: Portal) -> tuple[str, str]:
    """Make somebody who has signed in but is nowhere yet; return (user name, id)."""
    name = f"new-{uuid.uuid4().hex[:8]}"
    pk, session = portal.run(NEWCOMER.format(name=name)).split()
    portal.sessions[name] = session
    return name, pk


@pytest.mark.parametrize(("lang", "theme", "width"), LOOKS)
def test_pages_are_accessible(visitor: Visitor, lang: str, theme: str, width: int) -> None:
    found = {}
    for login, paths in PAGES.items():
        page = visitor.page(login, lang=lang, theme=theme, width=width)
        for path in [*paths, "/tenants/payments/members/li.na/why"]:
            visitor.open(page, path)
            wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            if problems := axe(page) + ["wider than the window"] * wide:
                found[login, path] = problems
    assert found == {}


def test_a_person_is_added_explained_and_taken_out(visitor: Visitor) -> None:
    name, _pk = newcomer(visitor.portal)
    page = visitor.open(visitor.page("sun.li"), "/tenants/payments/members")
    page.click("[commandfor=add-person][command=show-modal]")
    page.keyboard.type(name[:6])
    until(page, lambda: page.locator(f"#known-people option[value='{name}']").count(), "they are suggested")
    page.fill("#person-name", "nobody-called-so")
    page.keyboard.press("Enter")
    until(page, lambda: page.locator("#person-hint.err").is_visible(), "the dialog says that nobody is called so")
    assert page.input_value("#person-name") == "nobody-called-so"
    page.fill("#person-name", name)
    page.select_option("#person-role", "developer")
    page.click("#add-person .pri")
    row = page.locator("tr", has_text=name)
    until(page, lambda: row.locator(".tag", has_text="Developer").count(), "the person is in the table")
    row.locator("text=Why?").click()
    until(page, lambda: page.locator("text=Given by hand, by sun.li").count(), "it says who gave the role")
    visitor.open(page, "/tenants/payments/members")
    row.locator("text=Change…").click()
    page.click("dialog[open] .btn.bad")
    until(page, lambda: page.locator("main h1").count() and not row.count(), "the person is out")


def test_who_is_deactivated_is_out_at_once(visitor: Visitor) -> None:
    name, pk = newcomer(visitor.portal)
    theirs = visitor.open(visitor.page(name), "/clusters")
    until(theirs, lambda: theirs.locator("[data-feed-state=open]").count(), "their page is live")
    page = visitor.open(visitor.page("zhang.wei"), f"/platform/people/{pk}")
    page.click("[commandfor=deactivate][command=show-modal]")
    assert axe(page) == []
    page.fill("#deactivate-reason", "left the company")
    page.click("#deactivate .danger")
    until(page, lambda: page.locator(".head .chip", has_text="Deactivated").count(), "the page says so")
    until(theirs, lambda: theirs.locator(".offline.out").is_visible(), "their page says that they are out")
    theirs.goto(f"{visitor.portal.url}/clusters")
    assert "/accounts/login/" in theirs.url
    page.click("text=Reactivate")
    until(page, lambda: page.locator("[commandfor=deactivate]").count(), "the account is back")


def test_the_switcher_finds_by_typing_and_remembers(visitor: Visitor) -> None:
    page = visitor.open(visitor.page("zhang.wei"), "/clusters")
    page.click("button.tenant")
    page.keyboard.type("risk")
    until(page, lambda: page.locator("#tenants a[data-slug]:visible").count() == 1, "one is left")
    page.keyboard.press("Enter")
    page.wait_for_url("**/clusters?tenant=risk")
    page.click("button.tenant")
    page.wait_for_load_state("networkidle")  # the menu's script
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.slug"), "arrows go through the tenants"
    page.keyboard.press("Escape")
    assert page.locator("#tenants a[data-slug]:visible").count() == 0
