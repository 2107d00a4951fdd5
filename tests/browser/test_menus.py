"""Every page that the menus lead to, and the directories' pages, as each kind of person sees them."""

from typing import Any

import pytest

from tests.browser.conftest import LOOKS, Visitor, axe, until

PEOPLE = ["wang.fang", "li.na", "sun.li", "zhang.wei", "he.xin", "tan.new"]
SOURCE = """
from tenants.models import DirectorySource
for slug, name in (("menus-one", "First"), ("menus-two", "Second")):
    DirectorySource.objects.get_or_create(slug=slug, defaults={"name": name, "enabled": False})
"""


def found_on(page: Any) -> list[str]:
    """Return what axe finds, and whether the page is wider than its window."""
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return axe(page) + ["wider than the window"] * wide


@pytest.mark.parametrize(("lang", "theme", "width"), LOOKS)
@pytest.mark.parametrize("login", PEOPLE)
def test_every_page_of_the_menus_opens_and_is_accessible(
    visitor: Visitor, login: str, lang: str, theme: str, width: int
) -> None:
    page = visitor.open(visitor.page(login, lang=lang, theme=theme, width=width), "/")
    links = page.eval_on_selector_all(
        "#side .nav a[href], #account-menu a[href]", "all => all.map((link) => link.getAttribute('href'))"
    )
    assert len(links) > 8
    found = {}
    for path in dict.fromkeys(links):
        answer = page.goto(f"{visitor.portal.url}{path}")
        problems = found_on(page) if answer and answer.ok else [f"answered {answer.status if answer else 'nothing'}"]
        if problems:
            found[path] = problems
    assert found == {}


@pytest.mark.parametrize(("lang", "theme", "width"), LOOKS)
def test_the_pages_of_directories_are_accessible(visitor: Visitor, lang: str, theme: str, width: int) -> None:
    visitor.portal.run(SOURCE)
    page = visitor.page("zhang.wei", lang=lang, theme=theme, width=width)
    found = {}
    for path in ("", "/new", "/menus-one", "/menus-one/edit"):
        visitor.open(page, f"/platform/directories{path}")
        if problems := found_on(page):
            found[path] = problems
    assert found == {}


@pytest.mark.parametrize("width", [320, 768, 1920])
def test_the_pages_of_directories_fit_every_width(visitor: Visitor, width: int) -> None:
    visitor.portal.run(SOURCE)
    page = visitor.page("zhang.wei", width=width)
    for path in ("", "/new", "/menus-one", "/menus-one/edit"):
        visitor.open(page, f"/platform/directories{path}")
        until(page, lambda: page.locator("main h1").count(), f"{path} is there")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
