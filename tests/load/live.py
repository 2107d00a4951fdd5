"""From an event in the database to the line in a browser's DOM, with 1, 50 and 200 people watching."""

import asyncio
from typing import Any

from tests.load import helper
from tests.load.browser import chromium, visitor
from tests.load.figures import Result, Row, percentile
from tests.load.progress import tell
from tests.load.watching import SKEW, Watcher, arrivals, holds, open_task, watchers, written
from tests.real.running import Portal

RATE, SECONDS = 5.0, 60.0
# watchers → (share of events, most ms)
GOALS = {1: ((0.5, 25), (0.95, 75)), 50: ((0.5, 25), (0.99, 150)), 200: ((0.95, 150),)}
METHOD = """\
One Chromium on the task's page and N - 1 socket clients with sessions of their own, all reading; a worker of the bench
holds the task and appends {rate:.0f} real events a second for {seconds:.0f} s. Latency of an event: from `at` in the
database to the call of a MutationObserver in the page, by the same clock. Every event must come, once and in order."""
REMEDY = (
    "One Python process serves all watchers: what is read or computed for each of them each second (rights, sockets "
    "with compression) has to be done once for all, or by a second web process."
)


def measure(portal: Portal, seconds: float = SECONDS) -> Result:
    """Run all numbers of watchers one after the other."""
    portal.token(_PERSON)
    sessions = helper.ask(portal, "sessions", str(max(GOALS)))
    runs = [asyncio.run(_run(portal, sessions[:count], seconds)) for count in GOALS]
    rows = [_row(run, share, goal) for run in runs for share, goal in GOALS[run["watchers"]]]
    rows.append(Row(title="events lost or doubled", value=sum(run["wrong"] for run in runs), unit="", goal=0))
    method = METHOD.format(rate=RATE, seconds=seconds)
    return Result(name="live", title="Event to DOM", method=method, rows=rows, runs=runs)


_PERSON = "li.na"


async def _run(portal: Portal, sessions: list[str], seconds: float) -> dict[str, Any]:
    with helper.producing(portal) as producer:
        async with (
            chromium() as browser,
            visitor(browser, portal, sessions[0]) as context,
            watchers(portal, producer.task, sessions[1:]) as others,
        ):
            page = await context.new_page()
            await open_task(page, portal, producer.task)
            producer.begin(RATE, seconds)
            first, last = await asyncio.to_thread(producer.done)
            await holds(page, "(last) => document.getElementById(`event-${last}`) !== null", last)
            await _all_there(others, last)
            seen = [(seq, at) for seq, at in await arrivals(page) if first <= seq <= last]
            skew = await page.evaluate(SKEW)
    at = written(portal, producer.task)
    wrong = sum(expected != got for expected, (got, _) in zip(range(first, last + 1), seen, strict=False))
    wrong += abs(last - first + 1 - len(seen))
    latencies = [round(1000 * (came - at[seq]), 1) for seq, came in seen]
    p50, p95 = (percentile(latencies, share) for share in (0.5, 0.95))
    tell(f"{len(sessions):>4} watchers  p50 {p50:6.1f} ms  p95 {p95:6.1f} ms")
    return {"watchers": len(sessions), "wrong": wrong, "skew_ms": round(skew, 1), "latencies_ms": latencies}


async def _all_there(others: list[Watcher], last: int) -> None:
    """Wait until the others have read everything too; one that lost its line never would. Raises TimeoutError."""
    await asyncio.wait_for(asyncio.gather(*(watcher.reads(last) for watcher in others)), 30)


def _row(run: dict[str, Any], share: float, goal: float) -> Row:
    title = f"p{share * 100:.0f} with {run['watchers']} watching"
    return Row(title=title, value=percentile(run["latencies_ms"], share), unit="ms", goal=goal, remedy=REMEDY)
