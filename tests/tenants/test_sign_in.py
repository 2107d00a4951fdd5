"""The sign-in page and its surroundings without a directory; with one: tests/real/directory."""

import io
import logging
import time
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings
from redis.exceptions import ConnectionError as RedisGone

from pks_portal.default_set import mapping
from tenants import adapter, signin
from tenants.directory.client import Person, Rejected
from tenants.models import AuditEntry, GroupMapping, Membership, PlatformGrant, QuotaLimit, Tenant, User
from tests.factories import MembershipFactory, TenantFactory

pytestmark = pytest.mark.django_db

PASSWORD = "Local-Pw-123456"


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ops", password=PASSWORD)


def sign_in(**form: str) -> tuple[Client, Any]:
    client = Client()
    return client, client.post("/accounts/login/", {"login": "ops", "password": PASSWORD, **form})


def person(**facts: Any) -> Person:
    known: dict[str, Any] = {
        "id": "id-1",
        "login": "li.na",
        "dn": "",
        "name": "Li Na",
        "name_zh": "李娜",
        "mail": "",
        "enabled": True,
    }
    return Person(**(known | facts))


def test_in_and_out_again_on_record(user: User) -> None:
    client, response = sign_in()
    assert response["Location"] == "/"
    assert client.session.get_expire_at_browser_close()
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"
    assert "_auth_user_id" not in client.session
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "actor_name", "via")) == [
        ("session.start", "ops", "page"),
        ("session.end", "ops", "page"),
    ]


def test_signing_out_takes_a_post(user: User) -> None:
    client, _ = sign_in()
    page = client.get("/accounts/logout/")
    assert page.status_code == 200
    assert "_auth_user_id" in client.session


def test_eight_hours_when_asked(user: User) -> None:
    client, _ = sign_in(remember="on")
    assert not client.session.get_expire_at_browser_close()
    assert client.session.get_expiry_age() == 8 * 3600


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [("/clusters", "/clusters"), ("https://evil.example/", "/"), ("//evil.example", "/"), ("javascript:alert(1)", "/")],
)
def test_it_leads_on_only_within_the_portal(user: User, wanted: str, leads_to: str) -> None:
    assert sign_in(next=wanted)[1]["Location"] == leads_to
    page = Client().get("/accounts/login/", {"next": "/clusters?tenant=a"}).content.decode()
    assert 'name="next" value="/clusters?tenant=a"' in page


def test_the_session_id_changes(user: User) -> None:
    client = Client()
    client.get("/accounts/login/")
    client.session["x"] = 1
    client.session.save()
    before = client.session.session_key
    client.post("/accounts/login/", {"login": "ops", "password": PASSWORD})
    assert client.session.session_key != before


def test_csrf_is_checked(user: User) -> None:
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "ops", "password": PASSWORD})
    assert response.status_code == 403


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_what_was_typed_stays_and_the_password_does_not(user: User, language: str) -> None:
    client = Client(headers={"accept-language": language})
    response = client.post("/accounts/login/", {"login": "<ops>", "password": "wrong-one"})
    page = response.content.decode()
    assert response.status_code == 200
    assert 'value="&lt;ops&gt;"' in page
    assert "wrong-one" not in page
    assert 'role="alert"' in page


def test_a_deactivated_local_account_is_refused_like_a_wrong_password(user: User) -> None:
    client, _ = sign_in()
    User.objects.update(is_active=False)
    assert client.get("/accounts/reauthenticate/").status_code == 302
    _, response = sign_in()
    assert "Sign in failed" in response.content.decode()
    assert AuditEntry.objects.get(action="session.refused").facts == {"login": "ops", "reason": "inactive"}


def test_a_success_gives_all_attempts_again(user: User) -> None:
    for _turn in range(2):
        for _attempt in range(2):  # of three in five minutes
            assert sign_in(password="wrong-one")[1].status_code == 200
        assert sign_in()[1].status_code == 302


def test_log_and_audit_have_no_password_and_no_line_breaks(user: User, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        sign_in(login="ops\r\nINJECTED", password="Secret-one-1")
    assert "Secret-one-1" not in caplog.text
    assert "\nINJECTED" not in caplog.text
    assert "Secret-one-1" not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    "path",
    [
        "signup/",
        "email/",
        "confirm-email/",
        "password/change/",
        "password/set/",
        "password/reset/",
        "password/reset/key/1-a-b/",
        "login/code/confirm/",
        "inactive/",
        "",
    ],
)
def test_allauths_other_pages_do_not_exist(user: User, path: str) -> None:
    client, _ = sign_in()
    for one in (client, Client()):
        assert one.get(f"/accounts/{path}").status_code == 404
        assert one.post(f"/accounts/{path}", {"password1": "x", "email": "x@y.example"}).status_code == 404


def test_directory_people_have_no_local_password() -> None:
    user = signin.admit(person(), frozenset())
    assert user.has_usable_password()  # so that step-up asks
    assert not user.check_password("")
    with pytest.raises(ValueError, match="lives in the directory"):
        user.set_password("Evil-local-pw-1")
    User.objects.filter(pk=user.pk).update(password=User.objects.create_user("x", password=PASSWORD).password)
    assert Client().post("/accounts/login/", {"login": "li.na", "password": PASSWORD}).status_code == 200


def test_without_redis_nobody_signs_in_and_the_page_says_so(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: Any, **kwargs: Any) -> None:
        raise RedisGone("Error 111 connecting")

    monkeypatch.setattr(cache, "add", gone)
    _, page = sign_in()
    assert page.status_code == 503
    assert "Redis does not answer" in page.content.decode()
    form = {"grant_type": "password", "client_id": "pks_cli", "username": "ops", "password": PASSWORD}
    answer = Client().post("/oauth/token", form)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert answer.json()["error"] == "temporarily_unavailable"


def test_a_refusal_takes_its_time(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "REFUSAL_TAKES", 0.6)
    began = time.monotonic()
    sign_in(login="nobody")
    assert time.monotonic() - began >= 0.6


# groups and roles


def test_roles_are_replaced_as_a_set_and_manual_ones_stay() -> None:
    tenant, other = TenantFactory.create(slug="a"), TenantFactory.create(slug="b")
    for dn, where, role in (("cn=1", tenant, "viewer"), ("cn=2", tenant, "viewer"), ("cn=2", other, "admin")):
        GroupMapping.objects.create(group_dn=dn, tenant=where, role=role)
    GroupMapping.objects.create(group_dn="cn=2", tenant=None, role="auditor")
    user = signin.admit(person(), frozenset({"cn=1", "cn=2", "cn=unknown"}))
    MembershipFactory.create(user=user, tenant=tenant, role="viewer")

    def held() -> set[tuple[str, str, str]]:
        return set(Membership.objects.values_list("tenant__slug", "role", "source"))

    assert held() == {("a", "viewer", "directory"), ("b", "admin", "directory"), ("a", "viewer", "manual")}
    assert PlatformGrant.objects.get().role == "auditor"
    signin.admit(person(), frozenset({"cn=1"}))
    assert held() == {("a", "viewer", "directory"), ("a", "viewer", "manual")}
    assert not PlatformGrant.objects.exists()
    assert AuditEntry.objects.filter(action="user.roles").latest("pk").facts == {
        "gained": [],
        "lost": ["b: admin", "platform: auditor"],
    }
    signin.admit(person(), frozenset({"cn=2"}))
    assert Membership.objects.get(tenant=tenant, source="directory").via == "cn=2"


def test_the_same_again_changes_nothing_and_records_nothing() -> None:
    GroupMapping.objects.create(group_dn="cn=1", tenant=TenantFactory.create(), role="viewer")
    for _ in range(2):
        signin.admit(person(), frozenset({"cn=1"}))
    assert AuditEntry.objects.filter(action="user.roles").count() == 1


def test_names_of_other_accounts_are_never_taken(user: User) -> None:
    with pytest.raises(Rejected, match="name_taken"):
        signin.admit(person(login="OPS"), frozenset())
    admitted = signin.admit(person(), frozenset())
    assert signin.admit(person(login="ops"), frozenset()).username == "li.na" == admitted.username


# commands


def test_the_demo_is_seeded_once_and_left_alone_after(settings: Settings) -> None:
    with pytest.raises(CommandError):
        call_command("seed_demo", stdout=io.StringIO())
    settings.DEMO = True
    call_command("seed_demo", stdout=io.StringIO())
    assert Tenant.objects.count() == 5
    assert GroupMapping.objects.count() == len(mapping.MAPPINGS) == 22
    payments = dict(QuotaLimit.objects.filter(tenant__slug="payments").values_list("kind", "limit"))
    assert payments == {
        "clusters": 4, "nodes": 20, "vcpu": 80, "memory_gib": 160, "storage_gib": 500, "registry_gib": 100,
    }  # fmt: skip
    QuotaLimit.objects.filter(tenant__slug="payments", kind="nodes").update(limit=7)
    GroupMapping.objects.filter(tenant__slug="iot", role="viewer").delete()
    call_command("seed_demo", stdout=io.StringIO())
    assert QuotaLimit.objects.get(tenant__slug="payments", kind="nodes").limit == 7
    assert GroupMapping.objects.count() == 21


def test_a_local_administrator_is_made_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(name: str, password: str) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
        call_command("create_local_admin", name, password_file="-", stdout=io.StringIO())

    with pytest.raises(CommandError, match="14 characters"):
        make("root", "short")
    make("root", "Break-glass-2026")
    assert PlatformGrant.objects.get().user.username == "root"
    assert Client().post("/accounts/login/", {"login": "root", "password": "Break-glass-2026"}).status_code == 302
    make("ROOT", "Break-glass-2027")
    assert User.objects.count() == PlatformGrant.objects.count() == 1
    signin.admit(person(), frozenset())
    with pytest.raises(CommandError, match="person of the directory"):
        make("li.na", "Break-glass-2026")
