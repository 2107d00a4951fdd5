"""Live progress over a websocket: the events of one task, without gaps, until its end."""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from pks_portal.operations.live import group_of
from pks_portal.operations.models import Operation
from pks_portal.operations.watching import News, Shared, news
from tenants.sockets import Viewer

HEARTBEAT_SECONDS = 15
FINISHED, SIGN_IN, GONE = 1000, 4401, 4404

NEWS: Shared[News | None] = Shared(seconds=5)
RIGHTS: Shared[bool | None] = Shared(seconds=1)


class OperationConsumer(AsyncWebsocketConsumer):
    """Send what happened after the event that the browser saw last.

    The channel layer only says that there is something newer; the rows are the truth. Session, activity and right are
    looked at again for each push (at most a second old). A message is {"seq", "html", "end"}, in the page's language.
    """

    async def connect(self) -> None:
        self.operation_id: UUID = self.scope["url_route"]["kwargs"]["operation_id"]
        after = (parse_qs(self.scope["query_string"].decode()).get("after") or ["0"])[0]
        self.sent = int(after) if after.isdigit() else 0
        self.viewer = Viewer(self.scope)
        self.busy = asyncio.Lock()
        self.heart: asyncio.Task[None] | None = None
        await self.channel_layer.group_add(group_of(self.operation_id), self.channel_name)
        await self.accept()
        if await self.push(0):
            self.heart = asyncio.create_task(self._beat())

    async def disconnect(self, code: int) -> None:
        if self.heart:
            self.heart.cancel()
        await self.channel_layer.group_discard(group_of(self.operation_id), self.channel_name)

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
            right = await RIGHTS.get((self.viewer.session_key, self.operation_id), self._right)
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

    @database_sync_to_async
    def _right(self) -> bool | None:
        """True: may see it now; False: the session has ended; None: there is nothing that this person may see."""
        if (user := self.viewer.user()) is None:
            return False
        return True if Operation.objects.visible_to(user, "task.view").filter(pk=self.operation_id).exists() else None
