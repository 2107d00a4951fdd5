"""Signing a program in by a browser (RFC 8628): what it gets, what its person sees, and every way it must not go."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from tenants import adapter, device
from tenants.models import AccessToken, AuditEntry, PlatformGrant, User

pytestmark = pytest.mark.django_db
PASSWORD = "Local-Pw-123456"
PAGE = "/accounts/device/"


@pytest.fixture
def user(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.MFA_REQUIRED = {"platform-admin"}
    monkeypatch.setattr(adapter, "REFUSAL_TAKES", 0)
    monkeypatch.setattr(device, "INTERVAL", 2)
    return User.objects.create_user("ops", password=PASSWORD)


@pytest.fixture
def browser(user: User) -> Client:
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.post("/accounts/login/", {"login": "ops", "password": PASSWORD})
    return client


def ask(**form: str) -> Any:
    return Client(REMOTE_ADDR="192.0.2.7").post("/oauth/device", {"client_id": "pks_cli", **form})


def redeem(code: str) -> Any:
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": "pks_cli", "device_code": code}
    return Client().post("/oauth/token", form)


def later(code: str) -> Any:
    """Ask again, as if the interval were over."""
    for name in [name for name in cache._cache if name.endswith(":seen")]:
        cache.delete(name.split(":", 2)[2])
    return redeem(code)


def test_a_program_is_let_in_once(browser: Client, user: User) -> None:
    answer = ask()
    given = answer.json()
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert set(given) == {"device_code", "user_code", "verification_uri", "expires_in", "interval"}
    assert given["verification_uri"] == "http://localhost:8000/accounts/device/"
    assert re.fullmatch(r"[A-Z]{4}-[A-Z]{4}", given["user_code"])
    waiting = redeem(given["device_code"])
    assert (waiting.status_code, waiting.json()["error"]) == (400, "authorization_pending")
    typed = given["user_code"].lower().replace("-", " ")
    shown = browser.post(PAGE, {"code": typed}).content.decode()
    assert "192.0.2.7" in shown
    assert "pks_cli" in shown
    assert later(given["device_code"]).json()["error"] == "authorization_pending", "looking is not confirming"
    assert "may sign in" in browser.post(PAGE, {"code": typed, "answer": "confirm"}).content.decode()
    got = later(given["device_code"])
    assert got.status_code == 200, got.content
    token = got.json()["access_token"]
    assert Client().get("/api/v1/me", headers={"authorization": f"Bearer {token}"}).json()["username"] == "ops"
    assert later(given["device_code"]).json()["error"] == "expired_token", "once"
    assert browser.post(PAGE, {"code": typed, "answer": "confirm"}).status_code == 422, "once"
    assert AccessToken.objects.count() == 2
    deeds = list(AuditEntry.objects.filter(actor=user).values_list("action", "facts"))
    assert ("device.confirm", {"client": "pks_cli", "asked_from": "192.0.2.7"}) in deeds
    assert ("session.start", {"client": "pks_cli"}) in deeds


def test_who_asks_too_fast_is_slowed_down(user: User) -> None:
    code = ask().json()["device_code"]
    assert [redeem(code).json()["error"] for _ in range(2)] == ["authorization_pending", "slow_down"]


def test_a_refusal_is_told(browser: Client) -> None:
    given = ask().json()
    assert "sent away" in browser.post(PAGE, {"code": given["user_code"], "answer": "refuse"}).content.decode()
    assert redeem(given["device_code"]).json()["error"] == "access_denied"
    assert later(given["device_code"]).json()["error"] == "expired_token"
    assert not AccessToken.objects.exists()
    assert AuditEntry.objects.filter(action="device.refuse").exists()


def test_codes_end(browser: Client) -> None:
    given = ask().json()
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert redeem(given["device_code"]).json()["error"] == "expired_token"
        assert device.find(given["user_code"]) is None
        assert device.confirm(User.objects.get(), given["user_code"]) is None


def test_codes_are_kept_as_keyed_hashes_only(user: User) -> None:
    given = ask().json()
    kept = str(cache._cache)
    assert "device:" in kept
    for code in (given["device_code"], given["user_code"], given["user_code"].replace("-", "")):
        assert code not in kept


def test_guessing_is_slow_and_right_codes_do_not_count(browser: Client) -> None:
    for _ in range(7):
        assert browser.post(PAGE, {"code": ask().json()["user_code"]}).status_code == 200
    assert [browser.post(PAGE, {"code": "BBBB-BBBB"}).status_code for _ in range(6)] == [422] * 5 + [429]
    assert browser.post(PAGE, {"code": ask().json()["user_code"]}).status_code == 429


def test_asking_is_limited() -> None:
    assert [ask().status_code for _ in range(31)][-2:] == [200, 429]


@pytest.mark.parametrize("form", [{"client_id": "other"}, {"client_secret": "x"}])
def test_only_the_known_client_may_ask(form: dict[str, str]) -> None:
    answer = ask(**form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_another_address_is_pointed_out(browser: Client) -> None:
    code = Client(REMOTE_ADDR="198.51.100.9").post("/oauth/device", {"client_id": "pks_cli"}).json()["user_code"]
    shown = browser.post(PAGE, {"code": code}).content.decode()
    assert "198.51.100.9" in shown
    assert "not the address from which your browser comes" in shown


def test_who_left_meanwhile_gets_nothing(browser: Client, user: User) -> None:
    given = ask().json()
    browser.post(PAGE, {"code": given["user_code"], "answer": "confirm"})
    User.objects.update(is_active=False)
    assert redeem(given["device_code"]).json()["error"] == "access_denied"
    assert not AccessToken.objects.exists()


def test_it_is_no_way_around_a_missing_second_factor(browser: Client, user: User) -> None:
    given = ask().json()
    PlatformGrant.objects.create(user=user, role="platform-admin")
    assert browser.get(PAGE)["Location"].startswith("/accounts/security/")
    assert browser.post(PAGE, {"code": given["user_code"], "answer": "confirm"}).status_code == 302
    assert device.confirm(user, given["user_code"])
    assert redeem(given["device_code"]).json()["error"] == "access_denied"


def test_the_page_is_for_who_signed_in_lately(browser: Client) -> None:
    given = ask().json()
    assert Client().get(PAGE)["Location"] == f"/accounts/login/?next={PAGE}"
    with time_machine.travel(timezone.now() + timedelta(minutes=9, seconds=30)):
        assert browser.get(PAGE).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        answer = browser.post(PAGE, {"code": given["user_code"], "answer": "confirm"})
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get())
    assert strict.post(PAGE, {"code": given["user_code"], "answer": "confirm"}).status_code == 403
