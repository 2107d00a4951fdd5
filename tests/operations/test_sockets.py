"""The websockets: what they tell, to whom, and that they end with the session or the right."""

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session

from pks_portal.operations import live
from pks_portal.operations import services as operations
from pks_portal.operations.models import Operation
from tenants.models import Membership
from tests.factories import MembershipFactory
from tests.sockets import BACKEND, GONE, SIGN_IN, begin, code, dial, hang_up

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
async def hung_up(settings) -> AsyncIterator[None]:
    settings.AUTHENTICATION_BACKENDS = [BACKEND]
    yield
    await hang_up()


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


async def test_the_feed_tells_of_the_platforms_task_to_who_waits_for_it():
    member, operation = await sync_to_async(begin)()
    foreigner = await sync_to_async(MembershipFactory.create)()
    build = await sync_to_async(Operation.objects.create)(kind="kubernetes.prepare", subject_id=uuid4())
    await sync_to_async(Operation.objects.filter(pk=operation.pk).update)(waits_for=build)
    mine, _ = await dial("/ws/feed", member.user)
    theirs, _ = await dial("/ws/feed", foreigner.user)
    for socket in (mine, theirs):
        assert json.loads(await socket.receive_from()) == {"hello": 1}
    await sync_to_async(live.changed)("task", build.pk, None)
    assert json.loads(await mine.receive_from()) == {"kind": "task", "id": str(build.pk)}
    assert await theirs.receive_nothing(timeout=0.3)


async def test_the_feed_is_closed_to_strangers():
    socket, _ = await dial("/ws/feed")
    assert await code(socket) == SIGN_IN
