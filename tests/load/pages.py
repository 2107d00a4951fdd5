"""The time budgets of pages: how soon they are painted, how still they stand, how fast the server makes a list."""

import asyncio
import time
from typing import Any

import httpx
from playwright.async_api import Browser, Page

from tests.load import helper
from tests.load.browser import COOKIE, chromium, visitor
from tests.load.figures import Result, Row, median_row, percentile
from tests.load.portal import Asker
from tests.load.progress import tell
from tests.load.watching import holds
from tests.real.running import Portal

CLUSTERS, REQUESTS, LOADS = 50, 100, 10
METHOD = f"""\
{CLUSTERS} clusters of the simulated engine in one tenant, watched by the portal as always. Server time: {REQUESTS}
requests of `/clusters` one after the other over one connection, timed by the client. Paint: {LOADS} loads of each page
in Chromium (1440 × 900, no throttling), each with an empty cache: the largest contentful paint, and the layout shifts
until 1 s after the page's live line is open. Interaction: opening the palette, typing into it and closing it, by
keyboard; the longest event of each load (Chromium reports those from 16 ms on, in steps of 8)."""
REMEDY = "See the raw runs for the page at fault."
OBSERVE = """() => {
  window.vitals = { lcp: 0, cls: 0, inp: 0 };
  const watch = (type, note, more) =>
    new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true, ...more });
  watch("largest-contentful-paint", (one) => { window.vitals.lcp = one.startTime; });
  watch("layout-shift", (one) => { if (!one.hadRecentInput) window.vitals.cls += one.value; });
  watch("event", (one) => {
    if (one.interactionId) window.vitals.inp = Math.max(window.vitals.inp, one.duration);
  }, { durationThreshold: 16 });
}"""


def measure(portal: Portal) -> Result:
    """Fill a tenant, then ask for its pages."""
    asker = Asker(portal)
    cluster = _fill(portal, asker)
    session = helper.ask(portal, "sessions", "1")[0]
    server = _server_times(portal, session)
    tell(f"/clusters  p50 {percentile(server, 0.5):.1f} ms  p95 {percentile(server, 0.95):.1f} ms")
    loads = asyncio.run(_loads(portal, session, {"list": "/clusters", "detail": f"/clusters/{cluster}"}))
    rows = [_server_row(server), *(row for name, runs in loads.items() for row in _paint_rows(name, runs))]
    runs = [{"server_ms": server}, loads]
    return Result(name="pages", title="Pages in time", method=METHOD, rows=rows, runs=runs)


def _fill(portal: Portal, asker: Asker) -> str:
    """Make the clusters; return the id of one."""
    helper.ask(portal, "quota")
    wish = {"tenant": "payments", "plan": "small", "nodes": 3, "cloud": "simulated"}
    made = [asker.send("POST", "/api/v1/clusters", {**wish, "name": f"page-{n}"}) for n in range(CLUSTERS)]
    for one in made:
        asker.ended(one["task"]["id"])
    return str(made[0]["cluster"]["id"])


def _server_times(portal: Portal, session: str) -> list[float]:
    """Return milliseconds from the request to the last byte."""
    found = []
    with httpx.Client(base_url=portal.url, cookies={COOKIE: session}, timeout=30) as client:
        for _ in range(REQUESTS):
            began = time.perf_counter()
            answer = client.get("/clusters")
            found.append(round(1000 * (time.perf_counter() - began), 2))
            assert answer.status_code == httpx.codes.OK, answer.status_code
            assert "page-1" in answer.text
    return found


async def _loads(portal: Portal, session: str, paths: dict[str, str]) -> dict[str, list[dict[str, float]]]:
    """Load each page in turn, so that what disturbs one disturbs all."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in paths}
    async with chromium() as browser:
        for _ in range(LOADS):
            for name, path in paths.items():
                found[name].append(await _load(browser, portal, session, path))
    return found


async def _load(browser: Browser, portal: Portal, session: str, path: str) -> dict[str, float]:
    async with visitor(browser, portal, session) as context:
        await context.add_init_script(f"({OBSERVE})()")
        page = await context.new_page()
        await page.goto(f"{portal.url}{path}")
        await holds(page, "() => document.body.dataset.feedState === 'open'")
        await page.wait_for_timeout(1000)  # what moves late moves now
        quiet: dict[str, float] = await page.evaluate("() => ({ ...window.vitals })")
        return {**quiet, "inp": await _interact(page)}


async def _interact(page: Page) -> float:
    """Use the palette by keyboard and return the longest interaction in ms; 16 stands for anything below."""
    for key in ("Control+k", "p", "a", "y", "Escape"):
        await page.keyboard.press(key)
        await page.wait_for_timeout(150)
    return max(16.0, float(await page.evaluate("() => window.vitals.inp")))


def _server_row(server: list[float]) -> Row:
    ours = f"median {percentile(server, 0.5):.0f} ms"
    p95 = percentile(server, 0.95)
    return Row(
        title=f"`/clusters` with {CLUSTERS} clusters, p95", value=p95, unit="ms", goal=150, ours=ours, remedy=REMEDY
    )


def _paint_rows(name: str, runs: list[dict[str, Any]]) -> list[Row]:
    figures = (
        ("lcp", "largest paint", "ms", 800),
        ("cls", "layout shift", "", 0.02),
        ("inp", "interaction", "ms", 100),
    )
    return [
        median_row(f"{words}, {name}", unit, goal, [run[key] for run in runs], remedy=REMEDY)
        for key, words, unit, goal in figures
    ]
