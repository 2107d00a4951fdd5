"""One socket for what changes in lists: only ids travel, and only of rows that the person may see."""

import asyncio
import json
from collections.abc import Collection
from typing import Any

from channels.consumer import get_handler_name
from channels.db import database_sync_to_async

from pks_portal.operations.live import FEED
from pks_portal.operations.models import Operation
from pks_portal.operations.together import Together
from tenants.access import on_platform, tenants_where
from tenants.models import User
from tenants.sockets import SIGN_IN, PersonalConsumer, Viewer, users_of

HEARTBEAT_SECONDS = 15
ACTIONS = {
    "cluster": "cluster.view",
    "task": "task.view",
    "request": "quota.view",
    "repository": "registry.view",
    "artifact": "registry.view",
}

AWAITED = "awaited"
"""Under this are the ids of the platform's tasks for which one of theirs waits."""

Sight = dict[str, set[int | str | None]]


@database_sync_to_async
def _sights(sessions: Collection[str]) -> dict[str, Sight | None]:
    """Return by session the tenants whose rows its person may see, by kind; None when the session has ended."""
    people = users_of(sessions)
    sights = {user: _sight(user) for user in set(people.values())}
    return {session: sights[people[session]] if session in people else None for session in sessions}


def _sight(user: User) -> Sight:
    sight: Sight = {}
    for kind, action in ACTIONS.items():
        sight[kind] = set(tenants_where(user, action).values_list("pk", flat=True))
        if on_platform(user, action):
            sight[kind].add(None)
    sight[AWAITED] = set(map(str, Operation.objects.all().awaited_by(user)))
    return sight


SIGHTS: Together[str, Sight | None] = Together(_sights, seconds=1)


class FeedConsumer(PersonalConsumer):
    """Pass on {"kind", "id"} of changed rows; the page reads those rows again, and all of them after a gap."""

    async def connect(self) -> None:
        self.session = Viewer(self.scope).session_key or ""
        self.heart: asyncio.Task[None] | None = None
        await self.join_person()
        await SIGHTS.join(self.session)
        await self.accept()
        if await SIGHTS.get(self.session) is None:
            await self.close(code=SIGN_IN)
            return
        await self.channel_layer.group_add(FEED, self.channel_name)
        await self.send(json.dumps({"hello": 1}))
        self.heart = asyncio.create_task(self._beat())

    async def disconnect(self, code: int) -> None:
        if self.heart:
            self.heart.cancel()
        SIGHTS.leave(self.session)
        await self.leave_person()
        await self.channel_layer.group_discard(FEED, self.channel_name)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle a message at once: what uses the database looks after its connection itself."""
        await getattr(self, get_handler_name(message))(message)

    async def receive(self, *args: Any, **kwargs: Any) -> None:
        """Ignore what browsers send: the socket only reports."""

    async def feed_changed(self, message: dict[str, Any]) -> None:
        """A row changed; tell the page if its person may see it."""
        if (sight := await SIGHTS.get(self.session)) is None:
            await self.close(code=SIGN_IN)
        elif message["tenant"] in sight[message["kind"]] or message["id"] in sight[AWAITED]:
            await self.send(json.dumps({"kind": message["kind"], "id": message["id"]}))

    async def person_notice(self, message: dict[str, Any]) -> None:
        """The person was told something, or has read it; nobody else is in their group."""
        if await SIGHTS.get(self.session) is None:
            await self.close(code=SIGN_IN)
        else:
            await self.send(json.dumps({"kind": "notice", "id": message["id"]}))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if await SIGHTS.get(self.session) is None:
                await self.close(code=SIGN_IN)
                return
            await self.send(json.dumps({"hb": 1}))
