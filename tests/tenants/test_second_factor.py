"""Second factors: enrolling one, signing in with it, who must have one, and what is shut until then."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from pks_portal import keyring
from tenants import factors, mfa, tokens
from tenants.models import AccessToken, AuditEntry, PlatformGrant, User
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db
PASSWORD = "Local-Pw-123456"
SECURITY = "/accounts/security/"


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ops", password=PASSWORD)


def sign_in(client: Client | None = None, name: str = "ops", **form: str) -> tuple[Client, Any]:
    client = client or Client()
    return client, client.post("/accounts/login/", {"login": name, "password": PASSWORD, **form})


def code_of(secret: str, step: int = 0) -> str:
    return str(format_hotp_value(hotp_value(secret, int(timezone.now().timestamp()) // 30 + step)))


def add_app(client: Client) -> tuple[str, list[str]]:
    """Enrol an authenticator app; return its secret and the recovery codes that are shown once."""
    page = client.get(f"{SECURITY}app/")
    secret = page.context["form"].secret
    answer = client.post(f"{SECURITY}app/", {"code": code_of(secret)})
    assert answer["Location"] == f"{SECURITY}codes/", answer.content
    shown = client.get(f"{SECURITY}codes/")
    return secret, re.findall(r"\b\d{8}\b", shown.content.decode().partition("<pre")[2].partition("</pre")[0])


@pytest.mark.django_db(transaction=True)
def test_an_app_is_added_and_asked_for_at_the_next_sign_in(user: User) -> None:
    client, _ = sign_in()
    secret, codes = add_app(client)
    assert len(codes) == 10
    assert not any(code in client.get(f"{SECURITY}codes/").content.decode() for code in codes), "shown once"
    client, answer = sign_in(next="/tasks")
    assert answer["Location"] == "/accounts/authenticate/"
    assert client.get("/profile").status_code == 302, "the password alone opens nothing"
    wrong = client.post("/accounts/authenticate/", {"code": "000000"})
    assert "not right" in wrong.content.decode()
    with time_machine.travel(timezone.now() + timedelta(seconds=40)):
        code = code_of(secret)
        assert client.post("/accounts/authenticate/", {"code": code})["Location"] == "/tasks"
        assert client.get("/profile").status_code == 200
        other, _ = sign_in()
        assert other.post("/accounts/authenticate/", {"code": code}).status_code == 200, "a code is good once"
    with time_machine.travel(timezone.now() + timedelta(seconds=40 + 31)):
        again, _ = sign_in()
        assert again.post("/accounts/authenticate/", {"code": code}).status_code == 200, "for as long as it is accepted"
    actions = AuditEntry.objects.filter(actor=user).values_list("action", flat=True)
    assert {"mfa.app_add", "session.start"} <= set(actions)


def test_a_recovery_code_lets_in_once(user: User) -> None:
    client, _ = sign_in()
    _, codes = add_app(client)
    client, _ = sign_in()
    assert client.post("/accounts/authenticate/", {"code": codes[3]}).status_code == 302
    client, _ = sign_in()
    assert client.post("/accounts/authenticate/", {"code": codes[3]}).status_code == 200
    assert client.post("/accounts/authenticate/", {"code": codes[4]}).status_code == 302


def test_guessing_codes_is_limited(user: User) -> None:
    client, _ = sign_in()
    secret, _ = add_app(client)
    client, _ = sign_in()
    for _ in range(3):
        client.post("/accounts/authenticate/", {"code": "000000"})
    refused = client.post("/accounts/authenticate/", {"code": code_of(secret, 1)})
    assert refused.status_code == 200
    assert "Too many" in refused.content.decode()


def test_seeds_are_sealed_at_rest(user: User) -> None:
    client, _ = sign_in()
    secret, _ = add_app(client)
    stored = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    assert stored.count(f"{keyring.SCHEME}.k1.") == 2
    sealed = Authenticator.objects.get(type="totp").data["secret"]
    assert mfa.MFAAdapter().decrypt(sealed) == secret
    with pytest.raises(keyring.KeyRingError):
        keyring.ring().open(sealed, "elsewhere")
    client, _ = sign_in()
    page = client.get("/accounts/authenticate/")
    assert secret not in page.content.decode()


def test_the_code_that_added_an_app_signs_nobody_in(user: User) -> None:
    client, _ = sign_in()
    secret, _ = add_app(client)
    client, _ = sign_in()
    assert client.post("/accounts/authenticate/", {"code": code_of(secret)}).status_code == 200


def test_a_seed_waits_sealed_in_the_session(user: User) -> None:
    client, _ = sign_in()
    secret = client.get(f"{SECURITY}app/").context["form"].secret
    assert secret not in str(dict(client.session))
    wrong = client.post(f"{SECURITY}app/", {"code": "000000"})
    assert wrong.context["form"].secret == secret, "the same, or the scanned one were useless"


@pytest.mark.django_db(transaction=True)
def test_the_first_factor_ends_what_began_with_a_password_alone(user: User) -> None:
    other, _ = sign_in()
    pair = tokens.start(user, "pks_cli")
    client, _ = sign_in()
    add_app(client)
    assert other.get("/profile").status_code == 302
    assert not AccessToken.objects.filter(user=user).exists()
    assert Client().get("/api/v1/me", headers={"authorization": f"Bearer {pair.access}"}).status_code == 401
    assert client.get("/profile").status_code == 200


# who must


@pytest.fixture
def admin(user: User, settings: Settings) -> User:
    settings.MFA_REQUIRED = {"platform-admin", "admin", "local"}
    PlatformGrant.objects.create(user=user, role="platform-admin")
    return user


@pytest.mark.parametrize(
    ("required", "facts", "role", "must"),
    [
        ({"platform-admin"}, {"directory_id": "x"}, None, True),
        ({"admin"}, {"directory_id": "x"}, "admin", True),
        ({"admin"}, {"directory_id": "x"}, "operator", False),
        ({"local"}, {}, "viewer", True),
        ({"local"}, {"directory_id": "x"}, "viewer", False),
        (set(), {}, None, False),
    ],
)
def test_roles_that_must(settings: Settings, required: set[str], facts: Any, role: str | None, must: Any) -> None:
    settings.MFA_REQUIRED = required
    user = User.objects.create(username="a", password="md5$x$y", **facts)
    if role:
        MembershipFactory.create(user=user, role=role)
    else:
        PlatformGrant.objects.create(user=user, role="platform-admin")
    assert factors.must_have_second_factor(user) is must
    assert factors.lacks_second_factor(user) is must
    Authenticator.objects.create(user=user, type="recovery_codes", data={})
    assert factors.lacks_second_factor(user) is must, "recovery codes alone are no factor"
    Authenticator.objects.create(user=user, type="totp", data={})
    assert not factors.lacks_second_factor(user)
    assert factors.must_have_second_factor(user) is must


def test_until_then_all_else_is_shut(admin: User) -> None:
    client, _ = sign_in()
    for path in ("/", "/clusters", "/profile", "/clusters/new", "/nothing-here"):
        assert client.get(path)["Location"].partition("?")[0] == SECURITY
    assert client.get("/tasks?state=active")["Location"] == f"{SECURITY}?next=%2Ftasks%3Fstate%3Dactive"
    assert client.post("/clusters/new", {"name": "x"})["Location"] == SECURITY
    fragment = client.get("/badges", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment["HX-Redirect"]) == (403, SECURITY)
    rest = client.get("/api/v1/clusters")
    assert (rest.status_code, rest.json()["code"]) == (403, "mfa-missing")
    assert b"until then nothing else" in client.get(SECURITY).content
    add_app(client)
    assert client.get("/clusters").status_code == 200
    assert client.get("/api/v1/clusters").status_code == 200


def test_tokens_of_who_lacks_one_open_nothing(user: User, settings: Settings) -> None:
    pair = tokens.start(user, "pks_cli")
    bearer = {"authorization": f"Bearer {pair.access}"}
    assert Client().get("/api/v1/me", headers=bearer).status_code == 200
    PlatformGrant.objects.create(user=user, role="platform-admin")
    settings.MFA_REQUIRED = {"platform-admin"}
    assert Client().get("/api/v1/me", headers=bearer).status_code == 401
    assert tokens.refresh(pair.refresh) is None


def test_the_last_factor_of_who_must_have_one_stays(admin: User) -> None:
    client, _ = sign_in()
    add_app(client)
    page = client.post(f"{SECURITY}app/remove/")
    assert "add another one" in page.content.decode()
    assert factors.has_second_factor(admin)
    PlatformGrant.objects.all().delete()
    User.objects.update(directory_id="x")
    assert client.post(f"{SECURITY}app/remove/")["Location"] == SECURITY
    assert not Authenticator.objects.exists(), "recovery codes go with the last factor"


@pytest.mark.parametrize("enrolled", [True, False])
def test_the_token_door_asks_for_what_it_cannot_take(admin: User, enrolled: bool) -> None:
    if enrolled:
        add_app(sign_in()[0])
    form = {"grant_type": "password", "client_id": "pks_cli", "username": "ops", "password": PASSWORD}
    answer = Client().post("/oauth/token", form)
    assert (answer.status_code, answer.json()["error"]) == (401, "mfa_required")
    assert not AccessToken.objects.exists()
    wrong = Client().post("/oauth/token", form | {"password": "wrong"})
    assert wrong.json()["error"] == "unauthorized", "only who knows the password learns of the factor"
