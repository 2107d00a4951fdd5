"""What ends when a person leaves: sessions, sockets, tokens, roles; what stays: what they made."""

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch

import pytest
from allauth.usersessions.models import UserSession
from asgiref.sync import sync_to_async
from django.test import Client

from pks_portal.errors import Conflict, Forbidden, Invalid
from tenants import leaving, sockets, tokens
from tenants.models import AccessToken, AuditEntry, Departure, Membership, PlatformGrant, Role, User
from tests.factories import ClusterFactory, MembershipFactory, PlatformGrantFactory, UserFactory
from tests.sockets import BACKEND, SIGN_IN, Socket, code, hang_up
from tests.tools import client_of

ACCOUNTS = "allauth.account.auth_backends.AuthenticationBackend"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=ACCOUNTS)
    return client


def feed_of(cookie: str) -> Socket:
    headers = [(b"origin", b"http://localhost:8000"), (b"cookie", f"pks_session={cookie}".encode())]
    return Socket("/ws/feed", headers)


@pytest.mark.django_db
class TestWhatEnds:
    def test_every_session_ends_listed_or_not(self) -> None:
        user = MembershipFactory.create().user
        listed, unlisted = browser(user), browser(user)
        assert listed.get("/profile").status_code == 200
        UserSession.objects.filter(session_key=unlisted.session.session_key).delete()
        leaving.deactivate(user, by=None, reason="disabled in the directory")
        assert listed.get("/profile").status_code == 302
        assert unlisted.get("/profile").status_code == 302
        assert not UserSession.objects.filter(user=user).exists()

    def test_no_old_session_comes_back_with_the_account(self) -> None:
        user = MembershipFactory.create().user
        unlisted = browser(user)
        leaving.deactivate(user, by=None, reason="disabled in the directory")
        assert leaving.reactivate(user, by=None)
        assert unlisted.get("/profile").status_code == 302
        assert not Membership.objects.filter(user=user).exists()

    def test_tokens_are_refused_from_the_next_call(self) -> None:
        user = MembershipFactory.create().user
        pair = tokens.start(user, "pks_cli")
        bearer = {"authorization": f"Bearer {pair.access}"}
        assert Client().get("/api/v1/me", headers=bearer).status_code == 200
        leaving.deactivate(user, by=None, reason="left")
        assert Client().get("/api/v1/me", headers=bearer).status_code == 401
        assert tokens.refresh(pair.refresh) is None
        leaving.reactivate(user, by=None)
        assert Client().get("/api/v1/me", headers=bearer).status_code == 401
        assert not AccessToken.objects.filter(user=user).exists()

    def test_roles_end_and_are_remembered(self) -> None:
        member = MembershipFactory.create(role=Role.ADMIN)
        PlatformGrantFactory.create(user=member.user, role="auditor")
        leaving.deactivate(member.user, by=None, reason="left")
        assert not Membership.objects.filter(user=member.user).exists()
        assert not PlatformGrant.objects.filter(user=member.user).exists()
        roles = ["platform: auditor", f"{member.tenant.slug}: admin"]
        assert sorted(Departure.objects.get(user=member.user).roles) == sorted(roles)
        assert AuditEntry.objects.get(action="user.deactivate").facts["reason"] == "left"

    def test_clusters_stay_with_the_tenant_whose_administrators_are_told(self) -> None:
        member = MembershipFactory.create()
        admin = MembershipFactory.create(tenant=member.tenant, role=Role.ADMIN).user
        cluster = ClusterFactory.create(tenant=member.tenant, name="ledger", created_by=member.user)
        assert [held.name for held in leaving.of_person(member.user)] == ["ledger"]
        with patch("tenants.notices.tell") as tell:
            leaving.deactivate(member.user, by=None, reason="left")
        cluster.refresh_from_db()
        assert cluster.tenant == member.tenant
        told = next(call for call in tell.call_args_list if call.args == ("member.left_things",))
        assert list(told.kwargs["to"]) == [admin]
        assert told.kwargs["names"] == "ledger"

    def test_clusters_are_asked_to_take_the_person_s_credentials_away(
        self, django_capture_on_commit_callbacks: Any
    ) -> None:
        member = MembershipFactory.create()
        with patch("celery.current_app.send_task") as send, django_capture_on_commit_callbacks(execute=True):
            leaving.deactivate(member.user, by=None, reason="left")
        queued = [(call.args[0], call.kwargs["args"]) for call in send.call_args_list]
        assert ("clusters.tasks.withdraw_access", (member.user.pk,)) in queued
        assert ("clusters.tasks.follow_roles", ([member.tenant_id],)) in queued

    def test_a_dead_broker_undoes_nothing(self, django_capture_on_commit_callbacks: Any) -> None:
        member = MembershipFactory.create()
        with (
            patch("celery.current_app.send_task", side_effect=OSError("no broker")),
            django_capture_on_commit_callbacks(execute=True),
        ):
            leaving.deactivate(member.user, by=None, reason="left")
        member.user.refresh_from_db()
        assert not member.user.is_active

    def test_once_is_enough(self) -> None:
        user = UserFactory.create()
        assert leaving.deactivate(user, by=None, reason="left")
        assert not leaving.deactivate(user, by=None, reason="left")
        assert Departure.objects.filter(user=user).count() == 1


@pytest.mark.django_db
class TestByHand:
    def test_the_sync_takes_back_only_its_own(self) -> None:
        admin, user = PlatformGrantFactory.create().user, UserFactory.create()
        leaving.dismiss(admin, user, "lost laptop")
        assert not leaving.reactivate(user, by=None), "a person decided that"
        assert not User.objects.get(pk=user.pk).is_active
        leaving.readmit(admin, user)
        assert User.objects.get(pk=user.pk).is_active

    def test_who_may_not(self) -> None:
        user = UserFactory.create()
        strangers = MembershipFactory.create(role=Role.ADMIN).user, PlatformGrantFactory.create(role="auditor").user
        for somebody in strangers:
            with pytest.raises(Forbidden):
                leaving.dismiss(somebody, user, "no right")
        assert User.objects.get(pk=user.pk).is_active

    def test_not_oneself_nor_without_a_reason_nor_twice(self) -> None:
        admin, user = PlatformGrantFactory.create().user, UserFactory.create()
        with pytest.raises(Forbidden):
            leaving.dismiss(admin, admin, "oops")
        with pytest.raises(Invalid):
            leaving.dismiss(admin, user, "  ")
        leaving.dismiss(admin, user, "left")
        with pytest.raises(Conflict):
            leaving.dismiss(admin, user, "left")


@pytest.mark.django_db(transaction=True)
class TestSockets:
    @pytest.fixture(autouse=True)
    async def hung_up(self, settings: Any) -> AsyncIterator[None]:
        settings.AUTHENTICATION_BACKENDS = [BACKEND, ACCOUNTS]
        yield
        await hang_up()

    async def test_the_session_and_its_sockets_die_at_once(self) -> None:
        user = (await sync_to_async(MembershipFactory.create)()).user
        client = await sync_to_async(browser)(user)
        cookie = client.cookies["pks_session"].value
        socket = feed_of(cookie)
        assert await socket.connect()
        assert "hello" in await socket.receive_from()
        await sync_to_async(leaving.deactivate)(user, by=None, reason="left")
        assert await code(socket) == SIGN_IN
        assert (await sync_to_async(client.get)("/profile")).status_code == 302
        assert (await sync_to_async(client.get)("/api/v1/me")).status_code in {401, 403}

    async def test_a_role_s_end_closes_no_socket(self) -> None:
        member = await sync_to_async(MembershipFactory.create)()
        client = await sync_to_async(browser)(member.user)
        cookie = client.cookies["pks_session"].value
        socket = feed_of(cookie)
        assert await socket.connect()
        assert "hello" in await socket.receive_from()
        await sync_to_async(sockets.look_again)(member.user.pk)
        assert await socket.receive_nothing(0.3)


@pytest.mark.django_db
def test_ending_all_sessions_leaves_the_account() -> None:
    user = MembershipFactory.create().user
    client = browser(user)
    leaving.end_sessions(user)
    assert client.get("/profile").status_code == 302
    assert client_of(User.objects.get(pk=user.pk)).get("/api/v1/me").status_code == 200
