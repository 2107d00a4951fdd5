"""Notices: who gets them, in which transaction, in which language, and on whose screen."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from django.test import Client
from django.utils import timezone, translation

from pks_portal.messages import say
from tenants import notices
from tenants.models import Notice, User
from tenants.notices import reading
from tests.factories import MembershipFactory, TenantFactory, UserFactory
from tests.permissions.people import BACKEND, browser_of
from tests.sockets import dial, hang_up

KIND = "account.break_glass"
FACTS = {"name": "ops", "address": "192.0.2.1"}


def tell(*people: User, **more: Any) -> list[Notice]:
    notices.tell(KIND, to=people, **{"link": "/profile", **FACTS, **more})
    return list(Notice.objects.order_by("user_id"))


@pytest.mark.django_db
def test_each_person_is_told_once_and_programs_and_leavers_not() -> None:
    here, left = UserFactory.create(), UserFactory.create(is_active=False)
    program = UserFactory.create(username="line/ci", kind=User.Kind.SERVICE)
    assert [row.user for row in tell(here, here, left, program)] == [here]


@pytest.mark.django_db
def test_what_is_undone_was_never_told() -> None:
    before = transaction.savepoint()
    tell(UserFactory.create())
    assert Notice.objects.count() == 1
    transaction.savepoint_rollback(before)
    assert not Notice.objects.exists()


@pytest.mark.django_db
def test_the_text_is_the_readers_language_and_texts_within_it_too() -> None:
    notice = tell(UserFactory.create(), name=say("quota.nodes"))[0]
    notice.refresh_from_db()
    assert notice.text == "The local administrator Nodes signed in from 192.0.2.1."
    with translation.override("zh-hans"):
        assert "节点" in notice.text


@pytest.mark.django_db
@pytest.mark.parametrize("link", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_a_notice_leads_only_into_the_portal(link: str) -> None:
    with pytest.raises(ValueError, match="path of the portal"):
        tell(UserFactory.create(), link=link)


@pytest.mark.django_db
def test_following_reads_it_and_leads_there() -> None:
    user = UserFactory.create()
    notice = tell(user)[0]
    client = browser_of(user)
    assert b'id="count-notices">1</span>' in client.get("/").content
    assert client.get(f"/notices/{notice.pk}")["Location"] == "/profile"
    assert reading.unread(user) == 0
    assert b'id="count-notices"></span>' in client.get("/badges").content


@pytest.mark.django_db
def test_nobody_reads_or_opens_another_persons() -> None:
    mine = tell(UserFactory.create())[0]
    other = browser_of(MembershipFactory.create().user)
    for method, path in (("get", f"/notices/{mine.pk}"), ("post", f"/notices/{mine.pk}/read")):
        assert getattr(other, method)(path).status_code == 404
    assert other.post("/notices/read").status_code == 302
    assert b"192.0.2.1" not in other.get("/notices").content + other.get("/notices/panel").content
    mine.refresh_from_db()
    assert mine.read_at is None


@pytest.mark.django_db
def test_the_list_is_grouped_by_day_and_can_show_the_unread_alone() -> None:
    user, client = UserFactory.create(), Client()
    client.force_login(user, backend=BACKEND)
    for name, days in (("today", 0), ("yesterday", 1), ("before", 9)):
        tell(user, name=name)
        Notice.objects.filter(args__name=name).update(created_at=timezone.now() - timedelta(days=days))
    Notice.objects.filter(args__name="today").update(read_at=timezone.now())
    whole = client.get("/notices").content.decode()
    assert [whole.index(word) for word in ("Today", "Yesterday", "Older")] == sorted(
        whole.index(word) for word in ("Today", "Yesterday", "Older")
    )
    assert "administrator today" not in client.get("/notices?state=unread").content.decode()
    assert client.post("/notices/read", headers={"HX-Request": "true"}).status_code == 200
    assert reading.unread(user) == 0


@pytest.mark.django_db
def test_old_ones_are_forgotten() -> None:
    tell(UserFactory.create())
    assert reading.purge(1) == 0
    Notice.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert reading.purge(1) == 1


@pytest.mark.django_db
def test_the_language_that_one_chooses_is_kept_for_mail() -> None:
    user = UserFactory.create()
    browser_of(user).post("/preferences", {"language": "zh-hans"})
    user.refresh_from_db()
    assert user.language == "zh-hans"
    assert Client().post("/preferences", {"language": "en"}).status_code == 302


@pytest.fixture
async def hung_up(settings: Any) -> AsyncIterator[None]:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", BACKEND]
    yield
    await hang_up()


@pytest.mark.django_db(transaction=True)
async def test_only_its_owners_open_page_hears_of_it(hung_up: None) -> None:
    tenant = await sync_to_async(TenantFactory.create)()
    people = [(await sync_to_async(MembershipFactory.create)(tenant=tenant)).user for _ in range(2)]
    (mine, _), (other, _) = [await dial("/ws/feed", user) for user in people]
    for socket in (mine, other):
        assert json.loads(await socket.receive_from()) == {"hello": 1}
    rows = await sync_to_async(tell)(people[0], tenant=tenant)
    assert json.loads(await mine.receive_from()) == {"kind": "notice", "id": str(rows[0].pk)}
    assert await other.receive_nothing(timeout=0.3)
    assert await sync_to_async(reading.read_all)(people[0]) == 1
    assert json.loads(await mine.receive_from()) == {"kind": "notice", "id": "all"}
