"""A push from a client appears on the open page by itself within a second, and so does the end of its scan."""

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.real.registry.skopeo import Client
from tests.real.registry.test_clients import of
from tests.real.running import Portal
from tests.real.test_job import WORDS, Watched
from tests.registry.images import Layout

pytestmark = [pytest.mark.browser, pytest.mark.real]
SOON = 1.0
"""Seconds that the issue promises; the clock starts when the client has ended."""


@pytest.mark.parametrize("language", list(WORDS))
def test_a_push_appears_by_itself(
    chromium: Browser, portal: Portal, client: Callable[[str], Client], layout: Layout, language: str
) -> None:
    name = f"live-{language[:2]}"
    li_na = client("li.na")
    li_na.copy(of(layout, "one"), f"//payments/{name}:1")
    watched = Watched(chromium, portal, language)
    watched.sign_in("li.na", WORDS[language])
    page = watched.page
    page.goto(f"{portal.url}/images/payments/{name}")
    expect(page.locator("[data-feed-state=open]")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    loads = watched.loads
    li_na.copy(of(layout, "two"), f"//payments/{name}:2")
    began = time.monotonic()
    expect(page.locator("tbody tr a.tag", has_text="2")).to_be_visible(timeout=5_000)
    took = time.monotonic() - began
    assert took < 2 * SOON, f"{took:.2f} s"
    # without a database a scan ends as an error, and that too is seen without being asked for
    expect(page.locator("tbody tr .chip.bad")).to_have_count(2, timeout=20_000)
    assert watched.loads == loads
    assert watched.complaints == []
    watched.context.close()
