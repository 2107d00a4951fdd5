"""One real Chromium, signed in by a session's key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, BrowserContext, async_playwright

from tests.real.running import Portal

CHROMIUM = "/usr/bin/chromium"
COOKIE = "pks_session"
DESKTOP = (1440, 900)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start the system's Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def visitor(browser: Browser, portal: Portal, session: str) -> AsyncIterator[BrowserContext]:
    """A fresh profile (nothing cached) of a person who has signed in."""
    width, height = DESKTOP
    context = await browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
    try:
        await context.add_cookies([{"name": COOKIE, "value": session, "url": portal.url}])
        yield context
    finally:
        await context.close()
