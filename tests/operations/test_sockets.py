"""The websockets: what they tell, to whom, and that they end with the session or the right."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import ClassVar

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.contrib.sessions.models import Session
from django.db import connections
from django.test import Client

from pks_portal.feed import SIGHTS
from pks_portal.operations import live
from pks_portal.operations import services as operations
from pks_portal.operations.consumers import RIGHTS
from tenants.models import Membership
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db(transaction=True)
BACKEND = "django.contrib.auth.backends.ModelBackend"
GONE, SIGN_IN = 4404, 4401


@pytest.fixture(autouse=True)
async def hung_up(settings) -> AsyncIterator[None]:
    """Close what the sockets' threads opened, so that the test database can go."""
    settings.AUTHENTICATION_BACKENDS = [BACKEND]
    yield
    while Socket.opened:
        socket = Socket.opened.pop()
        socket.stop(exceptions=False)
        await asyncio.gather(socket.future, return_exceptions=True)
    for looks in (RIGHTS, SIGHTS):
        if looks._renewal is not None:
            await asyncio.gather(looks._renewal, return_exceptions=True)
            looks._renewal = None
    await database_sync_to_async(connections.close_all)()


def begin():
    """Return (a member, a task of the tenant that runs)."""
    member = MembershipFactory.create()
    new = operations.NewOperation(
        kind="kubernetes.prepare",
        subject_type="kubernetes",
        subject_id=member.tenant.opaque,
        subject_name="1.37.2",
        steps=[("fetch", 1)],
    )
    return member, operations.start(new, tenant=member.tenant, actor=member.user)


def cookie_of(user):
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client.cookies["pks_session"].value


class Socket(ApplicationCommunicator):
    """A browser's end of a websocket (channels' own needs daphne)."""

    opened: ClassVar[list["Socket"]] = []

    def __init__(self, path: str, headers: list[tuple[bytes, bytes]]) -> None:
        from pks_portal.asgi import application

        address, _, query = path.partition("?")
        scope = {"type": "websocket", "path": address, "query_string": query.encode(), "headers": headers}
        super().__init__(application, scope | {"subprotocols": []})
        self.opened.append(self)

    async def connect(self) -> bool:
        await self.send_input({"type": "websocket.connect"})
        return bool((await self.receive_output(5))["type"] == "websocket.accept")

    async def receive_from(self) -> str:
        message = await self.receive_output(5)
        assert message["type"] == "websocket.send", message
        return str(message["text"])

    async def disconnect(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(5)


async def dial(path, user=None, origin="http://localhost:8000"):
    headers = [(b"origin", origin.encode())]
    if user is not None:
        cookie = await sync_to_async(cookie_of)(user)
        headers.append((b"cookie", f"pks_session={cookie}".encode()))
    socket = Socket(path, headers)
    return socket, await socket.connect()


async def code(socket):
    """Return the code that the socket is closed with, skipping what is said before."""
    while (message := await socket.receive_output(timeout=5))["type"] != "websocket.close":
        pass
    return message["code"]


async def test_a_member_is_told_the_backlog_and_what_follows():
    member, operation = await sync_to_async(begin)()
    socket, connected = await dial(f"/ws/tasks/{operation.pk}?after=0", member.user)
    assert connected
    first = json.loads(await socket.receive_from())
    assert first["seq"] == 1
    await sync_to_async(operations.append)(operation, "event.step_started", step="fetch")
    second = json.loads(await socket.receive_from())
    assert (second["seq"], second["end"]) == (2, False)
    claimed = await sync_to_async(operations.claim)(operation.pk)
    assert claimed is not None
    await sync_to_async(operations.end)(claimed, claimed.Status.SUCCEEDED)
    last = json.loads(await socket.receive_from())
    assert (last["seq"], last["end"]) == (3, True)
    assert await code(socket) == 1000


async def test_who_comes_back_gets_only_what_was_missed():
    member, operation = await sync_to_async(begin)()
    for _ in range(3):
        await sync_to_async(operations.append)(operation, "event.step_started", step="fetch")
    socket, _ = await dial(f"/ws/tasks/{operation.pk}?after=2", member.user)
    news = json.loads(await socket.receive_from())
    assert news["seq"] == 4
    assert [f'id="event-{seq}"' in news["html"] for seq in (2, 3, 4)] == [False, True, True]
    await socket.disconnect()


async def test_another_tenant_and_strangers_are_told_nothing():
    _, operation = await sync_to_async(begin)()
    foreigner = await sync_to_async(MembershipFactory.create)()
    for user, expected in ((foreigner.user, GONE), (None, SIGN_IN)):
        socket, _ = await dial(f"/ws/tasks/{operation.pk}", user)
        assert await code(socket) == expected


async def test_a_foreign_page_may_not_connect():
    member, operation = await sync_to_async(begin)()
    _, connected = await dial(f"/ws/tasks/{operation.pk}", member.user, origin="http://evil.example")
    assert not connected


@pytest.mark.parametrize(("what", "expected"), [("session", SIGN_IN), ("right", GONE)])
async def test_an_open_socket_ends_with_the_session_or_the_right(what, expected, monkeypatch):
    monkeypatch.setattr("pks_portal.operations.consumers.RIGHTS.seconds", 0)
    member, operation = await sync_to_async(begin)()
    socket, _ = await dial(f"/ws/tasks/{operation.pk}?after=0", member.user)
    await socket.receive_from()
    rows = Session.objects if what == "session" else Membership.objects
    await sync_to_async(rows.all().delete)()
    await sync_to_async(operations.append)(operation, "event.step_started", step="fetch")
    assert await code(socket) == expected


async def test_the_feed_tells_ids_of_what_one_may_see_and_nothing_else():
    member, operation = await sync_to_async(begin)()
    foreigner = await sync_to_async(MembershipFactory.create)()
    mine, _ = await dial("/ws/feed", member.user)
    theirs, _ = await dial("/ws/feed", foreigner.user)
    for socket in (mine, theirs):
        assert json.loads(await socket.receive_from()) == {"hello": 1}
    await sync_to_async(live.changed)("task", operation.pk, member.tenant_id)
    assert json.loads(await mine.receive_from()) == {"kind": "task", "id": str(operation.pk)}
    assert await theirs.receive_nothing(timeout=0.3)
    await mine.disconnect()
    await theirs.disconnect()


async def test_the_feed_is_closed_to_strangers():
    socket, _ = await dial("/ws/feed")
    assert await code(socket) == SIGN_IN
