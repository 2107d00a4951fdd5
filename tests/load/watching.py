"""A task's page in Chromium that notes when each event came into the DOM, and the other watchers' sockets."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Page
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from tests.load.browser import COOKIE
from tests.load.portal import moment
from tests.real.running import Portal

NOTE = """() => {
  const now = () => performance.timeOrigin + performance.now();
  window.bench = { seen: [], states: [] };
  const seen = (node) => {
    const found = /^event-(\\d+)$/.exec(node.id ?? "");
    if (found) window.bench.seen.push([Number(found[1]), now()]);
  };
  const log = document.getElementById("task-log");
  for (const line of log.children) seen(line);
  new MutationObserver((records) => records.forEach((one) => one.addedNodes.forEach(seen)))
    .observe(log, { childList: true });
  const task = document.querySelector("live-task");
  new MutationObserver(() => window.bench.states.push([task.dataset.state, now()]))
    .observe(task, { attributeFilter: ["data-state"] });
}"""
SKEW = "() => performance.timeOrigin + performance.now() - Date.now()"
OPEN = "() => document.querySelector('live-task').dataset.state === 'open'"
PATIENCE = 30.0


async def open_task(page: Page, portal: Portal, task: str) -> None:
    """Open a task's page, wait until its line is open, and begin to note what comes."""
    answer = await page.goto(f"{portal.url}/tasks/{task}")
    assert answer is not None
    assert answer.ok, f"{answer.url}: {answer.status}"
    await holds(page, OPEN)
    await page.evaluate(NOTE)


async def holds(page: Page, condition: str, argument: Any = None, seconds: float = PATIENCE) -> None:
    """Wait until a function in the page returns true. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not await page.evaluate(condition, argument):
        if time.monotonic() > deadline:
            raise TimeoutError(condition)
        await asyncio.sleep(0.05)


async def arrivals(page: Page) -> list[tuple[int, float]]:
    """Return number and time (seconds since 1970) of every line that came into the log, in the order of coming."""
    return [(int(seq), at / 1000) for seq, at in await page.evaluate("() => window.bench.seen")]


def written(portal: Portal, task: str) -> dict[int, float]:
    """Return number → time (seconds since 1970) of the task's events, as the database has them."""
    sql = "SELECT seq, at FROM operations_operationevent WHERE operation_id=?"
    rows = portal.query(sql, task.replace("-", ""))
    return {seq: moment(at) for seq, at in rows}


class Watcher:
    """One more person on the task's page, without a browser: reads everything, as a page's socket does."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._last = socket, 0
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                self._last = max(self._last, int(json.loads(message).get("seq", 0)))
                async with self._news:
                    self._news.notify_all()
        except ConnectionClosed:
            return

    async def reads(self, last: int) -> None:
        """Return when it has read event number `last`."""
        async with self._news:
            await self._news.wait_for(lambda: self._last >= last)

    async def close(self) -> None:
        await self._socket.close()
        await self._reading


@asynccontextmanager
async def watchers(portal: Portal, task: str, sessions: Sequence[str]) -> AsyncIterator[list[Watcher]]:
    """Connect one watcher for each session; each speaks as Chromium does (same origin, compression offered)."""
    url = f"{portal.url.replace('http', 'ws', 1)}/ws/tasks/{task}"
    found: list[Watcher] = []
    try:
        for session in sessions:
            headers = {"Cookie": f"{COOKIE}={session}"}
            found.append(
                Watcher(await connect(url, origin=Origin(portal.url), additional_headers=headers, open_timeout=30))
            )
        yield found
    finally:
        await asyncio.gather(*(watcher.close() for watcher in found))
