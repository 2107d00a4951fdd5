"""Live progress over a websocket: the events of one task, without gaps, until its end."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.consumer import get_handler_name
from channels.db import database_sync_to_async

from pks_portal.operations.live import group_of
from pks_portal.operations.models import Operation
from pks_portal.operations.together import Together
from pks_portal.operations.watching import News, Shared, news
from tenants.models import User
from tenants.sockets import SIGN_IN, PersonalConsumer, Viewer, users_of

HEARTBEAT_SECONDS = 15
FINISHED, GONE = 1000, 4404

NEWS: Shared[News | None] = Shared(seconds=5)
Look = tuple[str | None, UUID]  # session and task


@database_sync_to_async
def _rights(looks: Collection[Look]) -> dict[Look, bool | None]:
    """True: may see it now; False: the session has ended; None: there is nothing that this person may see."""
    people = users_of({session for session, _ in looks if session})
    wanted: dict[User, set[UUID]] = defaultdict(set)
    for session, task in looks:
        if session in people:
            wanted[people[session]].add(task)
    seen = {
        (user, task)
        for user, tasks in wanted.items()
        for task in Operation.objects.visible_to(user, "task.view").filter(pk__in=tasks).values_list("pk", flat=True)
    }
    return {
        look: False if look[0] not in people else True if (people[look[0]], look[1]) in seen else None for look in looks
    }


RIGHTS: Together[Look, bool | None] = Together(_rights, seconds=1)


class OperationConsumer(PersonalConsumer):
    """Send what happened after the event that the browser saw last.

    The channel layer only says that there is something newer; the rows are the truth. Session, activity and right are
    looked at again for each push, for all watchers together (at most two seconds old). A message is {"seq", "html",
    "end"}, in the page's language.
    """

    async def connect(self) -> None:
        self.operation_id: UUID = self.scope["url_route"]["kwargs"]["operation_id"]
        after = (parse_qs(self.scope["query_string"].decode()).get("after") or ["0"])[0]
        self.sent = int(after) if after.isdigit() else 0
        self.viewer = Viewer(self.scope)
        self.look: Look = (self.viewer.session_key, self.operation_id)
        self.busy = asyncio.Lock()
        self.heart: asyncio.Task[None] | None = None
        await self.join_person()
        await RIGHTS.join(self.look)
        await self.channel_layer.group_add(group_of(self.operation_id), self.channel_name)
        await self.accept()
        if await self.push(0):
            self.heart = asyncio.create_task(self._beat())

    async def disconnect(self, code: int) -> None:
        if self.heart:
            self.heart.cancel()
        RIGHTS.leave(self.look)
        await self.leave_person()
        await self.channel_layer.group_discard(group_of(self.operation_id), self.channel_name)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle a message at once: what uses the database looks after its connection itself."""
        await getattr(self, get_handler_name(message))(message)

    async def receive(self, *args: Any, **kwargs: Any) -> None:
        """Ignore what browsers send: the socket only reports."""

    async def operation_changed(self, message: dict[str, Any]) -> None:
        """Somebody says that event `seq` is there."""
        if message["seq"] > self.sent:
            await self.push(message["seq"])

    async def _beat(self) -> None:
        """Show that the line lives, and look into the table too: a restarted Redis must silence nobody."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            await self.send(json.dumps({"hb": 1}))
            await self.push(0)

    async def push(self, known: int) -> bool:
        """Send what is new, in order, once; `known`: the newest event heard of (0: look). False: it is closed."""
        async with self.busy:
            if 0 < known <= self.sent:
                return True
            right = await RIGHTS.get(self.look)
            if not right:
                await self.close(code=GONE if right is None else SIGN_IN)
                return False
            key = (self.operation_id, self.sent, known or asyncio.get_running_loop().time(), self.viewer.language)
            fresh = await NEWS.get(key, self._news)
            if fresh is None:
                await self.close(code=GONE)
                return False
            if fresh.seq > self.sent:
                await self.send(json.dumps({"seq": fresh.seq, "html": fresh.html, "end": fresh.ended}))
                self.sent = fresh.seq
            if fresh.ended:
                await self.close(code=FINISHED)
            return not fresh.ended

    @database_sync_to_async
    def _news(self) -> News | None:
        return news(self.operation_id, self.sent, self.viewer.language)
