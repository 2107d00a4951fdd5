"""A push from a client appears on the open page by itself within a second, and so does the end of its scan."""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.real.registry.skopeo import Client
from tests.real.registry.test_clients import MIB, of
from tests.real.registry.test_killed import still
from tests.real.registry.test_policy import scanned, upload
from tests.real.running import Portal, until
from tests.real.test_job import WORDS, Watched
from tests.registry.images import Layout
from tests.registry.scanning import trivydb

pytestmark = [pytest.mark.browser, pytest.mark.real]
SOON = 1.0
"""Seconds that the issue promises; the clock starts when the client has ended."""


@pytest.mark.parametrize("language", list(WORDS))
def test_a_push_appears_by_itself(
    chromium: Browser, portal: Portal, client: Callable[[str], Client], layout: Layout, tmp_path: Path, language: str
) -> None:
    upload(portal, trivydb.archive(trivydb.database(tmp_path, datetime.now(UTC))))
    name = f"live-{language[:2]}"
    first, second = (layout_tag(layout, f"{name}-{number}", old_lodash(name, number)) for number in ("1", "2"))
    li_na = client("li.na")
    li_na.copy(of(layout, first), f"//payments/{name}:1")
    watched = Watched(chromium, portal, language)
    watched.sign_in("li.na", WORDS[language])
    page = watched.page
    page.goto(f"{portal.url}/images/payments/{name}")
    expect(page.locator("[data-feed-state=open]")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    loads = watched.loads
    li_na.copy(of(layout, second), f"//payments/{name}:2")
    began = time.monotonic()
    expect(page.locator("tbody tr a.tag", has_text="2")).to_be_visible(timeout=5_000)
    took = time.monotonic() - began
    assert took < 2 * SOON, f"{took:.2f} s"
    # what the scans find is seen without being asked for
    expect(page.locator("tbody tr .sev.critical")).to_have_count(2, timeout=20_000)
    assert watched.loads == loads
    assert watched.complaints == []
    watched.context.close()


@pytest.mark.parametrize("language", list(WORDS))
def test_a_scan_is_followed_and_stopped_on_the_page(
    chromium: Browser, portal: Portal, client: Callable[[str], Client], layout: Layout, tmp_path: Path, language: str
) -> None:
    upload(portal, trivydb.archive(trivydb.database(tmp_path, datetime.now(UTC))))
    name = f"payments/followed-{language[:2]}"
    files = old_lodash(name) | {"large": os.urandom(4 * MIB).hex()}
    client("li.na").copy(of(layout, layout_tag(layout, name, files)), f"//{name}:1")
    scanned(portal, name)
    watched = Watched(chromium, portal, language)
    watched.sign_in("li.na", WORDS[language])
    page = watched.page
    page.goto(f"{portal.url}/images/{name}:1")
    until(portal.writable)
    with still(portal.pid("worker")):
        page.click("form[action^='/registry/scan/'] button")
        expect(page.locator("live-task .steps > *")).to_have_count(2)
        expect(page.locator("live-task[data-state=open]")).to_have_count(1)
        loads = watched.loads
    expect(page.locator("live-task")).to_have_count(0, timeout=30_000)
    expect(page.locator("tbody tr .sev.critical")).to_have_count(1)
    assert watched.loads == loads
    until(portal.writable)
    with still(portal.pid("worker")):
        page.click("form[action^='/registry/scan/'] button")
        page.click("live-task form.while-running button")
        page.goto(f"{portal.url}/images/{name}:1")
        expect(page.locator("main .note.warn")).to_be_visible()
        expect(page.locator("tbody tr .sev.critical")).to_have_count(1)
    assert watched.complaints == []
    watched.context.close()


def old_lodash(*described: str) -> dict[str, str]:
    """Return the files of an image in which trivy finds one critical vulnerability."""
    package = {"name": "lodash", "version": "4.17.4", "license": "MIT", "description": " ".join(described)}
    return {"usr/lib/node_modules/lodash/package.json": json.dumps(package)}


def layout_tag(layout: Layout, name: str, files: dict[str, str]) -> str:
    tag = name.rpartition("/")[2]
    layout.tag(tag, layout.image(files))
    return tag
