"""Local administrators: for the outage of the directory; never unnoticed, never by a password alone in production."""

import io
from typing import Any

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import NoReverseMatch, reverse
from pytest_django.fixtures import Settings

from pks_portal import settings as product
from tenants import factors
from tenants.models import AuditEntry, Notice, User
from tests.factories import PlatformGrantFactory

pytestmark = pytest.mark.django_db
PASSWORD = "Break-glass-2026-now"


def make(name: str, monkeypatch: pytest.MonkeyPatch) -> User:
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    call_command("create_local_admin", name, password_file="-", stdout=io.StringIO())
    return User.objects.get(username=name)


def sign_in(name: str = "glass") -> tuple[Client, Any]:
    client = Client(REMOTE_ADDR="10.1.2.3")
    return client, client.post("/accounts/login/", {"login": name, "password": PASSWORD})


def test_it_works_while_the_directory_is_away_and_every_administrator_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DIRECTORY = {**settings.DIRECTORY, "uris": ["ldaps://127.0.0.1:1"]}
    others = [PlatformGrantFactory.create().user for _ in range(2)]
    PlatformGrantFactory.create(role="auditor")
    glass = make("glass", monkeypatch)
    client, answer = sign_in()
    assert answer.status_code == 302
    assert client.get("/profile").status_code == 200
    told = Notice.objects.filter(kind="account.break_glass")
    assert {notice.user_id for notice in told} == {user.pk for user in others}
    assert told[0].args == {"name": "glass", "address": "10.1.2.3"}
    assert AuditEntry.objects.filter(action="session.break_glass", actor=glass, address="10.1.2.3").count() == 1


def test_directory_people_are_no_news(settings: Settings) -> None:
    PlatformGrantFactory.create()
    user = PlatformGrantFactory.create(user__directory_id="x").user
    client = Client()
    client.force_login(user, backend="tenants.directory.backend.DirectoryBackend")
    assert not Notice.objects.exists()


def test_its_password_is_kept_as_argon2(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS
    assert identify_hasher(make("glass", monkeypatch).password).algorithm == "argon2"


def test_outside_the_demo_it_needs_a_second_factor(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert product.DEMO is False
    assert {"platform-admin", factors.LOCAL} == product.MFA_REQUIRED
    settings.MFA_REQUIRED = product.MFA_REQUIRED
    make("glass", monkeypatch)
    client, _ = sign_in()
    assert client.get("/clusters")["Location"].startswith("/accounts/security/")


@pytest.mark.parametrize("name", ["portal", "system", "service", "pks", "payments/ci", "a b", "li.na"])
def test_names_that_mean_something_else_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.create(username="li.na", directory_id="x")
    with pytest.raises(CommandError):
        make(name, monkeypatch)
    assert User.objects.count() == 1


def test_nobody_signs_up(settings: Settings) -> None:
    for path in ("/accounts/signup/", "/accounts/3rdparty/signup/", "/_allauth/browser/v1/auth/signup"):
        form = {"username": "new", "password1": PASSWORD, "password2": PASSWORD}
        assert Client().post(path, form).status_code == 404
    with pytest.raises(NoReverseMatch):
        reverse("account_signup")
    assert "allauth.headless" not in settings.INSTALLED_APPS
    assert not User.objects.exists()
