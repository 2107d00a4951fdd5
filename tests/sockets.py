"""A browser's end of a websocket, spoken to without a server."""

import asyncio
from typing import Any, ClassVar

from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.db import connections
from django.test import Client

from pks_portal.feed import SIGHTS
from pks_portal.operations import services as operations
from pks_portal.operations.consumers import RIGHTS
from pks_portal.operations.models import Operation
from tenants.models import Membership, User
from tests.factories import MembershipFactory

BACKEND = "django.contrib.auth.backends.ModelBackend"
FINISHED, SIGN_IN, GONE = 1000, 4401, 4404


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


async def dial(path: str, user: User | None = None, origin: str = "http://localhost:8000") -> tuple[Socket, bool]:
    """Return a socket and whether it was let in."""
    headers = [(b"origin", origin.encode())]
    if user is not None:
        cookie = await sync_to_async(_cookie_of)(user)
        headers.append((b"cookie", f"pks_session={cookie}".encode()))
    socket = Socket(path, headers)
    return socket, await socket.connect()


def _cookie_of(user: User) -> str:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return str(client.cookies["pks_session"].value)


def begin() -> tuple[Membership, Operation]:
    """Return (a member, a task of the tenant that has begun)."""
    member = MembershipFactory.create()
    new = operations.NewOperation(
        kind="kubernetes.prepare",
        subject_type="kubernetes",
        subject_id=member.tenant.opaque,
        subject_name="1.37.2",
        steps=[("fetch", 1)],
    )
    return member, operations.start(new, tenant=member.tenant, actor=member.user)


async def code(socket: Socket) -> Any:
    """Return the code that the socket is closed with, skipping what is said before."""
    while (message := await socket.receive_output(timeout=5))["type"] != "websocket.close":
        pass
    return message["code"]


async def hang_up() -> None:
    """End all sockets, and close what their threads opened, so that the test database can go."""
    while Socket.opened:
        socket = Socket.opened.pop()
        socket.stop(exceptions=False)
        await asyncio.gather(socket.future, return_exceptions=True)
    for looks in (RIGHTS, SIGHTS):
        if looks._renewal is not None:
            await asyncio.gather(looks._renewal, return_exceptions=True)
            looks._renewal = None
    await database_sync_to_async(connections.close_all)()
