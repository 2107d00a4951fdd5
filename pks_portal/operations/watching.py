"""What those who watch a task are sent: read once and rendered once per process, however many watch."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from django.template.loader import render_to_string
from django.utils import translation

from pks_portal.operations import history
from pks_portal.operations.models import Operation

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class News:
    """Fragments of the task's page that bring a watcher up to event `seq`; `ended`: nothing more will come."""

    seq: int
    html: str
    ended: bool


def news(operation_id: UUID, after: int, language: str) -> News | None:
    """Read and render what happened after an event; None when there is no such task."""
    operation = Operation.objects.select_related("tenant", "actor").filter(pk=operation_id).first()
    if operation is None:
        return None
    events = list(operation.events.filter(seq__gt=after, seq__lte=operation.last_seq))
    with translation.override(language):
        context = {"task": operation, "events": events, "left": history.seconds_left(operation)}
        html = render_to_string("operations/_live.html", context)
    return News(operation.last_seq, html, operation.ended)


class Shared(Generic[Value]):
    """Let those who ask for the same thing at the same time share one answer, kept for some seconds."""

    def __init__(self, *, seconds: float, most: int = 1024) -> None:
        self.seconds, self.most = seconds, most
        self.answers: OrderedDict[Hashable, tuple[float, asyncio.Task[Value]]] = OrderedDict()

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[Value]]) -> Value:
        """Return the answer under a key, asking only if there is none fresh enough."""
        now = time.monotonic()
        known = self.answers.get(key)
        if known is None or known[0] < now or (known[1].done() and known[1].exception()):
            known = (now + self.seconds, asyncio.ensure_future(_run(ask)))
            self.answers[key] = known
            while len(self.answers) > self.most:
                self.answers.popitem(last=False)
        return await asyncio.shield(known[1])


async def _run(ask: Callable[[], Awaitable[Value]]) -> Value:
    return await ask()
