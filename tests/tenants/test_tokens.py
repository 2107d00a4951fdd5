"""POST /oauth/token and what its tokens open, for a local account; tests/real does the same for directory people."""

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from tenants.models import AccessToken, AuditEntry, PlatformGrant, User

pytestmark = pytest.mark.django_db

PASSWORD = "Local-Pw-123456"


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ops", password=PASSWORD)


def post(headers: Any = None, **form: str) -> Any:
    return Client().post("/oauth/token", form, headers=headers or {})


def by_password(password: str = PASSWORD) -> Any:
    return post(grant_type="password", username="ops", password=password, client_id="pks_cli", client_secret="")


def renew(token: str) -> Any:
    return post(grant_type="refresh_token", refresh_token=token, client_id="pks_cli")


def me(token: str) -> Any:
    return Client().get("/api/v1/me", headers={"authorization": f"Bearer {token}"})


def test_a_password_gives_tokens_that_open_the_api(user: User) -> None:
    response = by_password()
    body = response.json()
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert body["token_type"] == "bearer"
    assert body["expires_in"] in {3599, 3600}
    assert body["scope"] == "pks.clusters.manage"
    assert body["access_token"].startswith(f"pks_{body['jti']}_")
    assert me(body["access_token"]).json()["username"] == "ops"
    assert AccessToken.objects.get(pk=body["jti"]).last_used_at
    assert AuditEntry.objects.get(action="session.start").via == "api"


def test_only_a_hash_is_kept(user: User) -> None:
    body = by_password().json()
    kept = str(list(AccessToken.objects.values())) + str(list(AuditEntry.objects.values()))
    for token in (body["access_token"], body["refresh_token"]):
        secret = token.split("_", 2)[2]
        assert secret not in kept
        assert hashlib.sha256(secret.encode()).hexdigest() in kept


def test_the_client_may_come_by_basic(user: User) -> None:
    basic = {"authorization": "Basic " + base64.b64encode(b"pks_cli:").decode()}
    assert post(basic, grant_type="password", username="ops", password=PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_id": "pks_cli"}, 400, "invalid_request"),
        ({"client_id": "pks_cli", "grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
        ({"grant_type": "password"}, 401, "invalid_client"),
        ({"client_id": "stranger", "grant_type": "password"}, 401, "invalid_client"),
        ({"client_id": "pks_cli", "client_secret": "x", "grant_type": "password"}, 401, "invalid_client"),
        ({"client_id": "pks_cli", "grant_type": "password"}, 401, "unauthorized"),
        ({"client_id": "pks_cli", "grant_type": "password", "username": "ops", "password": ""}, 401, "unauthorized"),
        ({"client_id": "pks_cli", "grant_type": "refresh_token"}, 401, "invalid_grant"),
        ({"client_id": "pks_cli", "grant_type": "refresh_token", "refresh_token": "pks_x_y"}, 401, "invalid_grant"),
    ],
)
def test_refusals_have_uaas_shape(user: User, form: dict[str, str], status: int, error: str) -> None:
    response = post(**form)
    assert response.status_code == status
    assert response.json()["error"] == error
    assert response.json()["error_description"]


def test_wrong_passwords_are_limited_as_on_the_page(user: User) -> None:
    assert [by_password("wrong").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert by_password().status_code == 429
    page = Client().post("/accounts/login/", {"login": "OPS", "password": PASSWORD})
    assert "Too many failed attempts" in page.content.decode()
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert by_password().status_code == 200


def test_refreshing_gives_a_new_pair_once_and_never_lengthens_the_sign_in(user: User) -> None:
    first = by_password().json()
    ends = AccessToken.objects.get(kind="refresh").expires_at
    second = renew(first["refresh_token"]).json()
    assert second["access_token"] != first["access_token"]
    assert me(second["access_token"]).status_code == 200
    assert renew(first["refresh_token"]).status_code == 401
    assert set(AccessToken.objects.filter(kind="refresh").values_list("expires_at", flat=True)) == {ends}
    with time_machine.travel(ends - timedelta(minutes=10)):
        last = renew(second["refresh_token"]).json()
        assert 590 <= last["expires_in"] <= 600
    with time_machine.travel(ends + timedelta(seconds=1)):
        assert renew(last["refresh_token"]).status_code == 401
        assert me(last["access_token"]).status_code == 401


def test_a_refresh_token_that_comes_back_later_ends_the_whole_sign_in(user: User) -> None:
    first = by_password().json()
    second = renew(first["refresh_token"]).json()
    with time_machine.travel(timezone.now() + timedelta(seconds=30)):
        assert renew(first["refresh_token"]).status_code == 401
        assert me(second["access_token"]).status_code == 401
        assert renew(second["refresh_token"]).status_code == 401
    assert AuditEntry.objects.get(action="session.end").facts["reason"] == "replayed"


def test_signing_out_ends_both_tokens(user: User) -> None:
    body = by_password().json()
    for _ in range(2):
        response = Client().post("/oauth/revoke", {"client_id": "pks_cli", "token": body["refresh_token"]})
        assert response.status_code == 200
    assert me(body["access_token"]).status_code == 401
    assert renew(body["refresh_token"]).status_code == 401


def test_expired_tokens_end_and_are_cleared_away_at_the_next_sign_in(user: User) -> None:
    body = by_password().json()
    with time_machine.travel(timezone.now() + timedelta(hours=13)):
        assert me(body["access_token"]).status_code == 401
        by_password()
        assert AccessToken.objects.count() == 2


def test_a_refresh_token_is_no_access_token_and_the_other_way_round(user: User) -> None:
    body = by_password().json()
    assert me(body["refresh_token"]).status_code == 401
    assert renew(body["access_token"]).status_code == 401


@pytest.mark.parametrize("token", ["", "x", "pks__", "pks_00000000000000000000000000000000_x", "JWT.a.b", "pks_\xff_x"])
def test_strangers_get_401_with_the_way_in(user: User, token: str) -> None:
    response = me(token)
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert Client().get("/api/v1/me").status_code == 401


def test_tokens_of_a_deactivated_person_are_dead(user: User) -> None:
    body = by_password().json()
    User.objects.update(is_active=False)
    assert me(body["access_token"]).status_code == 401
    assert renew(body["refresh_token"]).status_code == 401
    assert by_password().status_code == 401


def test_last_use_is_written_once_a_minute(user: User) -> None:
    token = by_password().json()["access_token"]
    me(token)
    row = AccessToken.objects.get(kind="access")
    seen = row.last_used_at
    assert seen
    me(token)
    row.refresh_from_db()
    assert row.last_used_at == seen
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        me(token)
    row.refresh_from_db()
    assert row.last_used_at > seen


@pytest.mark.parametrize(
    ("role", "scope"), [("platform-admin", "pks.clusters.admin"), ("auditor", "pks.clusters.admin.read")]
)
def test_the_scope_tells_pks_clients_the_nearest_right(user: User, role: str, scope: str) -> None:
    PlatformGrant.objects.create(user=user, role=role)
    assert by_password().json()["scope"] == scope


def test_only_post(user: User) -> None:
    assert Client().get("/oauth/token").status_code == 405
