"""A page whose server dies: how soon its line is open again, and whether it misses anything of the meantime."""

import asyncio
import socket
import time
from typing import Any

from playwright.async_api import Page

from tests.load import helper
from tests.load.browser import chromium, visitor
from tests.load.figures import Result, Row
from tests.load.live import RATE
from tests.load.progress import tell
from tests.load.watching import arrivals, holds, open_task
from tests.real.running import Portal, until

KILLS, SECONDS = 5, 30.0
METHOD = f"""\
A task's page in Chromium, {RATE:.0f} events a second; the web process is killed (-9) {KILLS} times. Counted is the time
from the moment at which the restarted server takes connections until the page's line is open again; the longest counts.
Lost and doubled: the lines in the page against the events in the database."""
REMEDY = "The pause between two attempts (static/js/live.js) doubles while the server is down: lower its ceiling."


def measure(portal: Portal) -> Result:
    """Kill the web process again and again."""
    portal.token("li.na")
    session = helper.ask(portal, "sessions", "1")[0]
    runs = [asyncio.run(_run(portal, session)) for _ in range(KILLS)]
    rows = [
        Row(title="reconnect, longest", value=max(run["seconds"] for run in runs), unit="s", goal=3, remedy=REMEDY),
        Row(title="events lost", value=sum(run["lost"] for run in runs), unit="", goal=0),
        Row(title="events doubled", value=sum(run["doubled"] for run in runs), unit="", goal=0),
    ]
    return Result(name="reconnect", title="Reconnecting", method=METHOD, rows=rows, runs=runs)


async def _run(portal: Portal, session: str) -> dict[str, Any]:
    with helper.producing(portal) as producer:
        async with chromium() as browser, visitor(browser, portal, session) as context:
            page = await context.new_page()
            await open_task(page, portal, producer.task)
            producer.begin(RATE, SECONDS)
            await holds(page, "() => window.bench.seen.length > 10")
            down, up = await asyncio.to_thread(_restart, portal)
            opened = await _opened(page, down)
            _, last = await asyncio.to_thread(producer.done)
            await holds(page, "(last) => document.getElementById(`event-${last}`) !== null", last)
            seen = [seq for seq, _ in await arrivals(page)]
    # open a moment before the first look at the port saw it: no time at all
    run = {"down": round(up - down, 2), "seconds": round(max(0.0, opened - up), 2)}
    tell(f"down {run['down']:.1f} s, open again {run['seconds']:.2f} s after the server listens")
    return {**run, "lost": len(set(range(1, last + 1)) - set(seen)), "doubled": len(seen) - len(set(seen))}


def _restart(portal: Portal) -> tuple[float, float]:
    """Kill the web process; return when it no longer took connections, and when its successor did (since 1970)."""
    portal.kill("web")
    until(lambda: not _listens(portal), 10, 0.002, "the web process is gone")
    down = time.time()
    until(lambda: _listens(portal), 60, 0.01, "the web process is back")
    return down, time.time()


def _listens(portal: Portal) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", portal.port)) == 0


async def _opened(page: Page, down: float) -> float:
    """Return when the line was open for the first time after the server went."""
    await holds(page, "(down) => window.bench.states.some(([state, at]) => state === 'open' && at > down)", down * 1000)
    states = await page.evaluate("() => window.bench.states")
    return float(min(at for state, at in states if state == "open" and at > down * 1000)) / 1000
