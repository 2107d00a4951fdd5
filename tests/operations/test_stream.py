"""Server-sent events: the same story as the socket, for browsers behind proxies that know no websockets."""

import json

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections
from django.test import AsyncClient
from django.urls import reverse

from pks_portal.operations import services as operations
from tests.factories import MembershipFactory
from tests.sockets import begin

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def story():
    """Return (a member, an ended task of the tenant)."""
    member, operation = begin()
    claimed = operations.claim(operation.pk)
    assert claimed is not None
    operations.end(claimed, claimed.Status.SUCCEEDED)
    return member, operation


def listen(user, operation, **query):
    async def ask():
        client = AsyncClient()
        if user is not None:
            await client.aforce_login(user, backend="django.contrib.auth.backends.ModelBackend")
        answer = await client.get(reverse("operations:stream", args=[operation.pk]), query_params=query)
        body = b"".join([part async for part in answer]) if answer.streaming else b""
        await sync_to_async(connections.close_all)()
        return answer.status_code, body.decode()

    return async_to_sync(ask)()


def test_it_tells_what_happened_and_ends(story, settings):
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    member, operation = story
    status, body = listen(member.user, operation, after="0")
    assert status == 200
    operation.refresh_from_db()
    event = json.loads(body.split("data: ", 1)[1].split("\n")[0])
    assert (event["seq"], event["end"]) == (operation.last_seq, True)
    assert body.startswith(f"id: {operation.last_seq}\n")


def test_strangers_and_other_tenants_see_nothing(story, settings):
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    _, operation = story
    assert listen(None, operation)[0] == 401
    assert listen(MembershipFactory.create().user, operation)[0] == 404
