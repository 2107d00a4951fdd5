"""Following a task to its end: its events in order, by long polling, through restarts of the portal."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import typer

from pks_portal.cli import show
from pks_portal.cli.failures import Failure, Refused
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

WAIT_SECONDS = 20
"""How long the portal holds the answer when there is nothing new."""
PATIENCE_SECONDS = 120.0
"""How long the portal may be away."""
FIRST_PAUSE = 0.25
"""Seconds before it is asked again; doubled each time, up to five."""
ENDED = frozenset({"succeeded", "failed", "cancelled"})

Event = dict[str, Any]
Task = dict[str, Any]


class Screen(Protocol):
    """Where progress is shown."""

    def event(self, event: Event) -> None:
        """Show what has happened."""

    def task(self, task: Task) -> None:
        """Show how far it is."""

    def note(self, text: str) -> None:
        """Say something about the connection."""


class Quiet:
    """Shows nothing but a lost connection: `--wait`."""

    def __init__(self) -> None:
        self._steps: dict[str, str] = {}

    def event(self, event: Event) -> None: ...

    def task(self, task: Task) -> None:
        self._steps = {step["name"]: step["text"] for step in task["steps"]}

    def note(self, text: str) -> None:
        show.note(text)

    def _said(self, event: Event) -> str:
        """Return the event as a line: when, in which step, what."""
        step = self._steps.get(event["step"], "")
        return "  ".join(filter(None, [show.moment(event["at"]), step, event["text"]]))


class Lines(Quiet):
    """A line for each event: for logs and pipes."""

    def event(self, event: Event) -> None:
        show.line(self._said(event))


class Stream(Quiet):
    """A JSON object in a line for each event."""

    def event(self, event: Event) -> None:
        show.data(event, compact=True)


class Live(Quiet):
    """A terminal: events go by above a bar that says how far the task is and how long it may take."""

    COLOURS = {"warning": "yellow", "error": "red"}  # noqa: RUF012

    def __init__(self, progress: Any, bar: Any) -> None:
        super().__init__()
        self._progress, self._bar = progress, bar

    def event(self, event: Event) -> None:
        from rich.text import Text  # noqa: PLC0415

        text = Text(show.clean(self._said(event)), style=self.COLOURS.get(event["level"], ""))
        self._progress.console.print(text)

    def task(self, task: Task) -> None:
        super().task(task)
        text = task.get("waiting_for") or task["status_label"]
        self._progress.update(
            self._bar, completed=task["progress"], title=show.clean(task["title"]), status=show.clean(_left(task, text))
        )

    def note(self, text: str) -> None:
        self._progress.update(self._bar, status=text)


def to_the_end(portal: Portal, task: Task, *, watch: bool) -> Task:
    """Follow the task until it has ended, and return it as it is then.

    Raises Failure when the portal is away for longer than PATIENCE_SECONDS, and typer.Exit when the person breaks off.
    """
    try:
        with _screen(watch=watch) as screen:
            screen.task(_read(portal, task, screen))
            for page in pages(portal, task["id"], screen.note):
                for event in page:
                    screen.event(event)
                if isinstance(screen, Live):
                    screen.task(_read(portal, task, screen))
            ended = _read(portal, task, screen)
            screen.task(ended)
            return ended
    except KeyboardInterrupt:
        show.note(say("The task goes on. Follow it with: pks task {id} --watch", id=task["id"]))
        raise typer.Exit(130) from None


def _read(portal: Portal, task: Task, screen: Screen) -> Task:
    read: Task = patiently(lambda: portal.get(f"/api/v1/tasks/{task['id']}"), screen.note)
    return read


def judge(task: Task) -> None:
    """Raise Refused if the ended task did not succeed."""
    if task["status"] == "succeeded":
        return
    error = task.get("error") or {}
    outcome = say("{title}: {status}.", title=task["title"], status=task["status_label"])
    problem = {"type": f"urn:pks-cli:task-{task['status']}", "task": task["id"], **error}
    detail = " ".join(filter(None, [outcome, error.get("detail")]))
    raise Refused(detail, error.get("next", ""), {**problem, "detail": detail})


def pages(portal: Portal, task: str, note: Callable[[str], None]) -> Iterator[list[Event]]:
    """Yield the task's events in order, each once, until it has ended; an empty page when nothing new came for long."""
    after, ended = 0, False
    while True:
        page = patiently(
            lambda: portal.get(f"/api/v1/tasks/{task}/events", after=after, wait=0 if ended else WAIT_SECONDS),  # noqa: B023
            note,
        )
        yield page["items"]
        if ended and not page["items"]:
            return
        after = max([after, *(event["seq"] for event in page["items"])])
        ended = page["status"] in ENDED  # its last event may have come just after this page: look once more


def patiently(ask: Callable[[], Any], note: Callable[[str], None]) -> Any:
    """Return what `ask` returns, asking again while the portal is away. Raises Failure when that lasts too long."""
    pause, deadline = FIRST_PAUSE, time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except Failure as failure:
            if not failure.passing or time.monotonic() + pause > deadline:
                raise
            if pause == FIRST_PAUSE:
                note(say("The portal does not answer; waiting for it."))
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


@contextmanager
def _screen(*, watch: bool) -> Iterator[Screen]:
    if not watch:
        yield Quiet()
    elif show.mode.json:
        yield Stream()
    elif not sys.stdout.isatty():
        yield Lines()
    else:
        with _live() as live:
            yield live


@contextmanager
def _live() -> Iterator[Live]:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    words = [TextColumn(f"{{task.fields[{name}]}}", markup=False) for name in ("title", "status")]
    columns = SpinnerColumn(), words[0], BarColumn(24), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn()
    with Progress(*columns, words[1]) as progress:
        yield Live(progress, progress.add_task("", total=100, title="", status=""))


def _left(task: Task, status: str) -> str:
    """Return the status with the time left, known from past tasks of the kind."""
    left = task.get("seconds_left")
    if not left or task["status"] in ENDED:
        return status
    return f"{status} · {say('about {time} left', time=show.seconds(left['median']))}"
