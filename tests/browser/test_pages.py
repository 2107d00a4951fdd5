"""Every page in both languages and themes, on narrow and wide screens: nothing wrong, untranslated or too heavy."""

import re
from typing import Any

import pytest

from tests.browser.conftest import LOOKS, Visitor, axe, until

WIDTHS = (320, 390, 768, 1024, 1440, 1920)
ENGLISH = re.compile(r"\b[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}\b")
PROSE = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (!parent.closest("pre, code, script, .mono, [lang=en], .api-group") && parent.checkVisibility())
      texts.push(walker.currentNode.textContent.trim());
  }
  return texts.filter(Boolean);
}"""


@pytest.fixture(scope="module")
def paths(portal: Any, chromium: Any) -> dict[str, str]:
    """Make a cluster that runs and one that failed; return every page by name."""
    visitor = Visitor(portal, chromium)
    page = visitor.page()
    running = visitor.create(page, "page-runs", nodes=3, labels="env=dev, team=core")
    until(page, lambda: page.locator(".head .chip.ok").count(), "running")
    failed = visitor.create(page, "page-fails", cloud="breaking")
    until(page, lambda: page.locator(".head .chip.bad").count(), "failed")
    visitor.open(page, f"{running}?tab=tasks")
    task = page.locator("tbody a.nm").first.get_attribute("href") or ""
    gone = visitor.create(page, "page-gone")
    until(page, lambda: page.locator(".head .chip.ok").count(), "running")
    visitor.delete(page, gone)
    visitor.contexts[0].close()
    tabs = {tab: f"{running}?tab={tab}" for tab in ("access", "tasks", "audit", "code")}
    return {
        "dashboard": "/", "clusters": "/clusters", "create": "/clusters/new", "cluster": running, "failed": failed,
        "gone": gone, "task list": "/tasks", "task": task, "profile": "/profile", "plans": "/plans",
        "security": "/accounts/security/",
        "versions": "/versions", "missing": "/nothing-here", "no match": "/clusters?q=nothing-has-this-name",
        "reference": "/api/docs", "approvals": "/approvals?tab=mine", "quota": "/tenants/payments/quota", **tabs,
    }  # fmt: skip


@pytest.mark.parametrize(("lang", "theme", "width"), LOOKS)
def test_pages_are_accessible(visitor: Visitor, paths: dict[str, str], lang: str, theme: str, width: int) -> None:
    page = visitor.page(lang=lang, theme=theme, width=width)
    found = {}
    for name, path in paths.items():
        visitor.open(page, path)
        until(page, lambda: page.locator("[data-feed-state=open]").count(), "the feed is open")
        if problems := axe(page):
            found[name] = problems
    assert found == {}


@pytest.mark.parametrize(("lang", "theme"), [("en", "light"), ("zh", "dark")])
def test_the_sign_in_page_is_accessible(visitor: Visitor, lang: str, theme: str) -> None:
    page = visitor.open(visitor.page(None, lang=lang, theme=theme), "/accounts/login/")
    assert axe(page) == []


def test_dialogs_and_menus_are_accessible(visitor: Visitor, paths: dict[str, str]) -> None:
    page = visitor.open(visitor.page(), paths["cluster"])
    page.click("[commandfor=delete][command=show-modal]")
    assert page.locator("#delete").is_visible()
    assert axe(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type("page-")
    until(page, lambda: page.locator("#results a").count() >= 2, "results")
    assert axe(page) == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/clusters/*-*")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_page_is_wider_than_the_screen(visitor: Visitor, paths: dict[str, str], lang: str) -> None:
    page = visitor.page(lang=lang)
    too_wide = []
    for name, path in paths.items():
        visitor.open(page, path)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            if (over := page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
                too_wide.append((name, width, over))
    assert too_wide == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_tables_fit_beside_the_navigation(visitor: Visitor, paths: dict[str, str], lang: str) -> None:
    page = visitor.page(lang=lang)
    cut = []
    for name in ("cluster", "clusters", "task list", "versions", "access", "tasks", "audit"):
        visitor.open(page, paths[name])
        for width in (1024, 1100, 1200, 1280, 1366, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            over = page.eval_on_selector_all(".tw", "all => all.map(one => one.scrollWidth - one.clientWidth)")
            cut += [(name, width, much) for much in over if much > 0]
    assert cut == []


def test_no_english_is_left_in_the_chinese_pages(visitor: Visitor, paths: dict[str, str]) -> None:
    page = visitor.page(lang="zh")
    left = {}
    for name, path in paths.items():
        visitor.open(page, path)
        if texts := [text for text in page.evaluate(PROSE) if ENGLISH.search(text)]:
            left[name] = texts
    assert left == {}


@pytest.mark.parametrize(
    ("login", "path", "status"),
    [
        ("wang.fang", "/clusters/new", 403),
        ("chen.jie", "cluster", 404),
        ("chen.jie", "gone", 404),
        ("chen.jie", "task", 404),
        ("li.na", "gone", 410),
    ],
)
def test_who_may_not_see_is_told_so(
    visitor: Visitor, paths: dict[str, str], login: str, path: str, status: int
) -> None:
    page = visitor.page(login)
    answer = page.goto(f"{visitor.portal.url}{paths.get(path, path)}")
    assert answer is not None
    assert answer.status == status
    assert axe(page) == []


def test_a_viewer_sees_why_buttons_are_off(visitor: Visitor, paths: dict[str, str]) -> None:
    page = visitor.open(visitor.page("wang.fang"), paths["cluster"])
    button = page.locator("[commandfor=delete][command=show-modal]")
    assert button.is_disabled()
    assert "Operator" in (button.get_attribute("title") or "")
    assert page.locator("#scale-nodes").is_disabled()
    visitor.open(page, "/clusters")
    assert "Operator" in page.inner_text("main .why")


def test_somebody_without_a_role_is_told_what_to_do(visitor: Visitor) -> None:
    page = visitor.open(visitor.page("tan.new"), "/profile")
    assert "You have no role yet" in page.inner_text("main")
    visitor.open(page, "/")
    assert axe(page) == []


def test_theme_and_language_are_kept(visitor: Visitor) -> None:
    page = visitor.open(visitor.page(theme=""), "/tasks?state=done")
    page.click("[popovertarget=theme-menu]")
    page.click("#theme-menu [value=dark]")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.click("[popovertarget=language-menu]")
    page.click("#language-menu [value=zh-hans]")
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    assert page.url.endswith("/tasks?state=done")


def test_tenants_are_switched_in_the_address(visitor: Visitor, paths: dict[str, str]) -> None:
    page = visitor.open(visitor.page("zhang.wei"), "/clusters")
    page.click("button.tenant")
    page.click("#tenants a[href$='tenant=retail']")
    page.wait_for_url("**/clusters?tenant=retail")
    assert page.locator("tr[data-row]").count() == 0
    visitor.open(page, "/clusters?tenant=payments")
    assert page.locator("tr[data-row]").count() >= 2
