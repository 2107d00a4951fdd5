"""One socket for what changes in lists: only ids travel, and only of rows that the person may see."""

import asyncio
import json
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from pks_portal.operations.live import FEED
from pks_portal.operations.watching import Shared
from tenants.access import on_platform, tenants_where
from tenants.sockets import Viewer

HEARTBEAT_SECONDS = 15
SIGN_IN = 4401
ACTIONS = {"cluster": "cluster.view", "task": "task.view"}

Sight = dict[str, set[int | None]]
SIGHTS: Shared[Sight | None] = Shared(seconds=1)


class FeedConsumer(AsyncWebsocketConsumer):
    """Pass on {"kind", "id"} of changed rows; the page reads those rows again, and all of them after a gap."""

    async def connect(self) -> None:
        self.viewer = Viewer(self.scope)
        self.heart: asyncio.Task[None] | None = None
        await self.accept()
        if await self._sight() is None:
            await self.close(code=SIGN_IN)
            return
        await self.channel_layer.group_add(FEED, self.channel_name)
        await self.send(json.dumps({"hello": 1}))
        self.heart = asyncio.create_task(self._beat())

    async def disconnect(self, code: int) -> None:
        if self.heart:
            self.heart.cancel()
        await self.channel_layer.group_discard(FEED, self.channel_name)

    async def receive(self, *args: Any, **kwargs: Any) -> None:
        """Ignore what browsers send: the socket only reports."""

    async def feed_changed(self, message: dict[str, Any]) -> None:
        """A row changed; tell the page if its person may see it."""
        if (sight := await self._sight()) is None:
            await self.close(code=SIGN_IN)
        elif message["tenant"] in sight[message["kind"]]:
            await self.send(json.dumps({"kind": message["kind"], "id": message["id"]}))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if await self._sight() is None:
                await self.close(code=SIGN_IN)
                return
            await self.send(json.dumps({"hb": 1}))

    async def _sight(self) -> Sight | None:
        """Return the tenants whose rows the person may see, by kind; None when the session has ended."""
        return await SIGHTS.get(self.viewer.session_key, self._read_sight)

    @database_sync_to_async
    def _read_sight(self) -> Sight | None:
        if (user := self.viewer.user()) is None:
            return None
        sight: Sight = {}
        for kind, action in ACTIONS.items():
            sight[kind] = set(tenants_where(user, action).values_list("pk", flat=True))
            if on_platform(user, action):
                sight[kind].add(None)
        return sight
