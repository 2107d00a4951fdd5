"""Sessions: how long they live, what counts as doing something, where they are seen, and their end from elsewhere."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from tenants import sessions, sockets
from tenants.models import AccessToken, AuditEntry, User
from tests.permissions.people import BACKEND

pytestmark = pytest.mark.django_db
PASSWORD = "Local-Pw-123456"


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ops", password=PASSWORD)


def sign_in(address: str = "127.0.0.1", agent: str = "Firefox") -> Client:
    client = Client(REMOTE_ADDR=address, headers={"user-agent": agent})
    client.post("/accounts/login/", {"login": "ops", "password": PASSWORD, "remember": "on"})
    return client


def is_in(client: Client, **headers: str) -> bool:
    return client.get("/profile", headers=headers).status_code == 200


def after(**much: float) -> Any:
    return time_machine.travel(timezone.now() + timedelta(**much), tick=True)


def test_a_session_in_use_ends_after_eight_hours(user: User) -> None:
    client = sign_in()
    for minutes in range(0, 8 * 60, 25):
        with after(minutes=minutes):
            assert is_in(client), minutes
    with after(hours=8, minutes=1):
        assert not is_in(client)
        assert sockets.signed_in(client.session.session_key) is None
    assert AuditEntry.objects.filter(action="session.end", facts__reason="idle or too old").count() == 1


def test_an_idle_session_ends_though_its_page_goes_on_asking(user: User) -> None:
    client = sign_in()
    assert is_in(client)
    for minutes in (10, 20, 29):
        with after(minutes=minutes):
            assert client.get("/badges", headers={"X-Automatic": "1"}).status_code == 200
            assert sockets.signed_in(client.session.session_key) == user
    with after(minutes=31):
        key = client.session.session_key
        assert sockets.signed_in(key) is None, "open sockets see it before any request does"
        assert sockets.users_of([str(key)]) == {}
        assert client.get("/badges", headers={"X-Automatic": "1", "HX-Request": "true"}).status_code == 401
        assert not is_in(client)


def test_the_profile_lists_them_and_ends_the_others(user: User) -> None:
    here, there = sign_in(), sign_in("10.0.0.9", "Mozilla/5.0 (X11) Chrome/140")
    third = sign_in()
    page = here.get("/profile").content.decode()
    assert "10.0.0.9" in page
    assert page.count("This one") == 1
    row = UserSession.objects.get(session_key=there.session.session_key)
    with after(minutes=5):
        there.get("/profile", REMOTE_ADDR="10.0.0.10")
    row.refresh_from_db()
    assert (row.ip, row.last_seen_at > row.created_at + timedelta(minutes=4)) == ("10.0.0.10", True)
    assert here.post(f"/profile/sessions/{row.pk}/end").status_code == 302
    assert (is_in(here), is_in(there), is_in(third)) == (True, False, True)
    here.post("/profile/sessions/end-others")
    assert (is_in(here), is_in(third)) == (True, False)
    assert list(UserSession.objects.values_list("session_key", flat=True)) == [here.session.session_key]


def test_nobody_ends_a_strangers_session(user: User) -> None:
    mine = sign_in()
    stranger = Client()
    stranger.force_login(User.objects.create_user("other"), backend=BACKEND)
    row = UserSession.objects.get(session_key=mine.session.session_key)
    assert stranger.post(f"/profile/sessions/{row.pk}/end").status_code == 404
    stranger.post("/profile/sessions/end-others")
    assert is_in(mine)


class TestSignInsOfPrograms:
    """`pks` signed in by password or device: listed like sessions, ended like sessions."""

    def sign_in(self, address: str = "10.1.2.3") -> dict[str, str]:
        form = {"grant_type": "password", "username": "ops", "password": PASSWORD, "client_id": "pks_cli"}
        return dict(Client(REMOTE_ADDR=address).post("/oauth/token", form).json())

    def status(self, token: str) -> int:
        headers = {"authorization": f"Bearer {token}"}
        return Client(REMOTE_ADDR="10.9.9.9").get("/api/v1/me", headers=headers).status_code

    def test_it_says_which_from_where_and_when(self, user: User) -> None:
        held = self.sign_in()
        [one] = sessions.sign_ins(user)
        assert (one.client, one.address, one.used) == ("pks_cli", "10.1.2.3", None)
        assert timedelta(hours=11, minutes=59) < one.ends - one.began <= timedelta(hours=12)
        assert self.status(held["access_token"]) == 200
        [one] = sessions.sign_ins(user)
        assert one.address == "10.9.9.9"
        assert one.used
        page = sign_in().get("/profile").content.decode()
        assert f"sign-in-{one.id}" in page
        assert "10.9.9.9" in page

    def test_renewing_keeps_it_one(self, user: User) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": self.sign_in()["refresh_token"], "client_id": "pks_cli"}
        before = sessions.sign_ins(user)[0]
        with after(minutes=70):
            assert Client().post("/oauth/token", form).status_code == 200
            [now] = sessions.sign_ins(user)
        assert (now.id, now.ends) == (before.id, before.ends)
        assert now.began - before.began < timedelta(seconds=1)

    def test_it_is_gone_when_it_is_over(self, user: User) -> None:
        self.sign_in()
        with after(hours=13):
            assert sessions.sign_ins(user) == []

    def test_one_is_ended_and_the_other_goes_on(self, user: User) -> None:
        mine, other = self.sign_in(), self.sign_in()
        row = AccessToken.objects.get(pk=mine["jti"])
        assert sign_in().post(f"/profile/sign-ins/{row.session}/end").status_code == 302
        assert (self.status(mine["access_token"]), self.status(other["access_token"])) == (401, 200)
        assert AuditEntry.objects.filter(action="session.end", facts__client="pks_cli").exists()

    def test_nobody_ends_somebody_elses(self, user: User) -> None:
        row = AccessToken.objects.get(pk=self.sign_in()["jti"])
        User.objects.create_user("eve", password=PASSWORD)
        eve = Client()
        eve.post("/accounts/login/", {"login": "eve", "password": PASSWORD})
        assert eve.post(f"/profile/sign-ins/{row.session}/end").status_code == 404
        assert AccessToken.objects.filter(session=row.session).count() == 2

    def test_ending_all_others_ends_them_too(self, user: User) -> None:
        held, browser = self.sign_in(), sign_in()
        assert browser.post("/profile/sessions/end-others").status_code == 302
        assert (self.status(held["access_token"]), is_in(browser)) == (401, True)
