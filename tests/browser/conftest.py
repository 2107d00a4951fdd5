"""Chromium, a whole portal, and a visitor of it who notices what is wrong with a page."""

import json
import os
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.portal import CHECKOUT, Portal, running

AXE = CHECKOUT / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PATIENCE = 30
ALL_LOOKS = list(product(("en", "zh"), ("light", "dark"), (1440, 390)))
LOOKS = ALL_LOOKS if os.environ.get("PKS_TEST_LOOKS") == "all" else [("en", "light", 1440), ("zh", "dark", 390)]
"""A language, a theme and a width: in CI each of them once, in `make soak` each with each."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what drives Chromium."""
    for item in items:
        if Path(__file__).parent in item.path.parents and "visitor" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.fixture(scope="session")
def portal() -> Iterator[Portal]:
    """Return a running portal with people and simulated clouds."""
    with running() as portal:
        yield portal


class Visitor:
    """Somebody who looks at pages; `complaints` are script errors, policy violations and requests to other hosts."""

    def __init__(self, portal: Portal, chromium: Browser) -> None:
        self.portal, self.chromium = portal, chromium
        self.contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def page(self, login: str | None = "li.na", *, lang: str = "en", theme: str = "light", width: int = 1440) -> Page:
        """Return a new page of a person who is signed in, in a language and theme."""
        context = self.chromium.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
        cookies = {"pks_language": {"en": "en", "zh": "zh-hans"}[lang], "pks_theme": theme}
        if login:
            cookies["pks_session"] = self.portal.sessions[login]
        context.add_cookies([{"name": name, "value": value, "url": self.portal.url} for name, value in cookies.items()])
        self.contexts.append(context)
        return self.watch(context.new_page())

    def watch(self, page: Page) -> Page:
        """Complain about what goes wrong in a page; a status of 4xx is what the test asked for."""
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        page.on("request", lambda request: self._asked(request.url))
        return page

    def open(self, page: Page, path: str) -> Page:
        """Go to a path of the portal."""
        page.goto(f"{self.portal.url}{path}")
        return page

    def create(self, page: Page, name: str, *, cloud: str = "simulated", nodes: int = 2, labels: str = "") -> str:
        """Create a cluster by its form and return the path of its page."""
        self.open(page, "/clusters/new")
        page.fill("#name", name)
        page.check(f"[name=cloud][value={cloud}]")
        page.fill("#nodes", str(nodes))
        page.fill("#labels", labels)
        page.click("form.create .submit button")
        page.wait_for_url("**/clusters/*-*")
        return page.url.removeprefix(self.portal.url)

    def delete(self, page: Page, path: str) -> None:
        """Delete a cluster by its dialog and wait until it is gone."""
        self.open(page, path)
        page.click("[commandfor=delete][command=show-modal]")
        page.fill("#delete-name", page.inner_text("h1"))
        page.click("#delete .danger")
        until(page, lambda: page.locator("text=What is left").count() > 0, "the cluster is gone")

    def _said(self, kind: str, text: str) -> None:
        expected = "Failed to load resource" in text or "WebSocket" in text
        if "Content Security Policy" in text or (kind == "error" and not expected):
            self.complaints.append(text)

    def _asked(self, url: str) -> None:
        own = self.portal.url.removeprefix("http")
        if not url.startswith((f"http{own}", f"ws{own}", "data:", "blob:")):
            self.complaints.append(f"request to another host: {url}")


@pytest.fixture
def visitor(portal: Portal, chromium: Browser) -> Iterator[Visitor]:
    """Return a visitor; a test during which anything was complained of fails."""
    visitor = Visitor(portal, chromium)
    yield visitor
    for context in visitor.contexts:
        context.close()
    assert visitor.complaints == []


def until(page: Page, condition: Callable[[], Any], what: str) -> None:
    """Wait until a condition holds; fail with the page's text when it does not."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"not reached: {what}\n{page.inner_text('main')[:2000]}")


def axe(page: Page) -> list[str]:
    """Return what axe-core finds; it comes in by the debugger, because the page's policy lets no script in."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
    call = f"axe.run(document, {{runOnly: {json.dumps(RULES)}}}).then(found => JSON.stringify(found.violations))"
    answer = session.send("Runtime.evaluate", {"expression": call, "awaitPromise": True, "returnByValue": True})
    found = json.loads(answer["result"]["value"])
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]
