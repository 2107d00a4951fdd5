"""Who may watch what: every websocket, and the stream for browsers without, × every role, another tenant, nobody."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from tests.permissions.checks import assert_kept_out
from tests.permissions.people import BACKEND, WHO, person
from tests.sockets import GONE, SIGN_IN, Socket, code, dial, hang_up

pytestmark = pytest.mark.django_db(transaction=True)
TOLD = 1
SEEN = [TOLD] * 6 + [GONE, SIGN_IN]
PLATFORM = [GONE] * 4 + [TOLD, TOLD, GONE, SIGN_IN]
# path: for each of WHO, told something or the code with which the socket is closed
TABLE: dict[str, list[int]] = {"/ws/tasks/{failed}": SEEN, "/ws/feed": [TOLD] * 7 + [SIGN_IN]}
ROWS = {**TABLE, "/ws/tasks/{task}": SEEN, "/ws/tasks/{platform}": PLATFORM}
STREAMS = {"tasks/<uuid:operation_id>/stream": "/tasks/{failed}/stream"}
STREAMED = {"/tasks/{failed}/stream": SEEN, "/tasks/{platform}/stream": PLATFORM}
STATUS = {TOLD: 200, GONE: 404, SIGN_IN: 401}


@pytest.fixture(autouse=True)
async def hung_up(settings: Any) -> AsyncIterator[None]:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", BACKEND]
    yield
    await hang_up()


async def outcome(socket: Socket) -> int:
    """Return TOLD when the socket says something, else the code with which it is closed."""
    message = await socket.receive_output(5)
    if message["type"] == "websocket.send":
        return TOLD
    return int(message["code"])


async def listen(path: str, user: Any) -> int:
    socket, let_in = await dial(path, user)
    return await outcome(socket) if let_in else int(await code(socket))


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("path", ROWS)
async def test_the_table(world: dict[str, Any], path: str, who: str) -> None:
    user = await sync_to_async(person)(who, world["row"])
    assert await listen(path.format(**world), user) == ROWS[path][WHO.index(who)]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("path", STREAMED)
async def test_the_stream(world: dict[str, Any], path: str, who: str) -> None:
    user = await sync_to_async(person)(who, world["row"])
    client = AsyncClient()
    if user is not None:
        await client.aforce_login(user, backend=BACKEND)
    answer = await client.get(path.format(**world))
    assert answer.status_code == STATUS[STREAMED[path][WHO.index(who)]]
    body = b"".join([part async for part in answer]) if answer.streaming else answer.content
    if answer.status_code == 200:
        assert b'"end": true' in body
    elif who in {"foreign", "nobody"}:
        assert_kept_out(body)
