"""Signing in by an outside provider, over real HTTP: who is known, who is not, and what is never believed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from pks_portal import sso as configuration
from tenants.models import AuditEntry, GroupMapping, Membership, User
from tests.factories import TenantFactory
from tests.tenants.outside import CLIENT, SECRET, Outside

pytestmark = pytest.mark.django_db
PASSWORD = "Local-Pw-123456"


@pytest.fixture
def outside(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    provider = Outside()
    for name, value in {
        "ISSUER": provider.issuer,
        "CLIENT_ID": CLIENT,
        "CLIENT_SECRET": SECRET,
        "NAME": "Okta",
    }.items():
        monkeypatch.setenv(f"PKS_SSO_{name}", value)
    use(settings, provider)
    yield provider
    provider.stop()


def use(settings: Settings, provider: Outside, **more: Any) -> None:
    settings.SSO = {**configuration.configuration(), **more}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [settings.SSO["app"]], "OAUTH_PKCE_ENABLED": True}}


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ops", password=PASSWORD, email="ops@corp.example")


def go(provider: Outside, client: Client, settings: Settings, **form: str) -> Any:
    """Press the button, sign in there, come back; return the portal's last answer."""
    page = client.post(f"/accounts/sso/{settings.SSO['id']}/", {"process": "login", **form})
    assert page.status_code == 200, page.content
    there = page["Refresh"].removeprefix("0;url=")
    assert there.startswith(provider.issuer)
    return client.get(provider.authorize(there).replace("http://testserver", ""))


def signed_in(client: Client) -> bool:
    return client.get("/profile").status_code == 200


def link(provider: Outside, client: Client, settings: Settings) -> Any:
    client.post("/accounts/login/", {"login": "ops", "password": PASSWORD})
    return go(provider, client, settings, process="connect")


def test_the_button_is_there_only_where_a_provider_is(outside: Outside, settings: Settings) -> None:
    assert b"Sign in with Okta" in Client().get("/accounts/login/").content
    path = f"/accounts/sso/{settings.SSO['id']}/"
    assert Client().get(path).status_code == 405, "no link of another page begins it"
    assert Client(enforce_csrf_checks=True).post(path, {"process": "login"}).status_code == 403
    settings.SSO = {}
    assert b"Okta" not in Client().get("/accounts/login/").content
    assert Client().post(path, {"process": "login"}).status_code == 404


def test_a_person_links_it_and_signs_in_with_it(outside: Outside, settings: Settings, user: User) -> None:
    assert link(outside, Client(), settings)["Location"] == "/accounts/security/"
    row = SocialAccount.objects.get()
    assert (row.user, row.uid, row.provider) == (user, "s-1", settings.SSO["id"])
    client = Client()
    assert go(outside, client, settings, next="/tasks")["Location"] == "/tasks"
    assert signed_in(client)
    assert go(outside, Client(), settings, next="https://evil.example/")["Location"] == "/"
    assert {"sso.link", "session.start"} <= set(AuditEntry.objects.values_list("action", flat=True))


def test_linking_asks_who_one_is_again(outside: Outside, settings: Settings, user: User) -> None:
    client = Client()
    client.post("/accounts/login/", {"login": "ops", "password": PASSWORD})
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        answer = client.post(f"/accounts/sso/{settings.SSO['id']}/", {"process": "connect"})
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert Client().post(f"/accounts/sso/{settings.SSO['id']}/", {"process": "connect"}).status_code == 404


@pytest.mark.parametrize("newcomers", [False, True])
def test_neither_name_nor_address_opens_an_account(
    outside: Outside,
    settings: Settings,
    user: User,
    newcomers: bool,
) -> None:
    use(settings, outside, newcomers=newcomers)
    outside.person = {"sub": "s-9", "preferred_username": "OPS", "email": user.email, "email_verified": True}
    client = Client()
    refused = go(outside, client, settings)
    assert refused.status_code == 403
    assert not signed_in(client)
    assert not SocialAccount.objects.exists()
    assert User.objects.count() == 1
    reason = AuditEntry.objects.get(action="session.refused").facts["reason"]
    assert reason == ("name_taken" if newcomers else "sso_unknown")


def test_a_newcomer_gets_an_account_and_the_roles_of_the_groups(outside: Outside, settings: Settings) -> None:
    use(settings, outside, newcomers=True)
    GroupMapping.objects.create(group_dn="oidc:payments-ops", tenant=TenantFactory.create(slug="pay"), role="operator")
    outside.person |= {"groups": ["payments-ops", "others"], "name": "Li Na"}
    client = Client()
    assert go(outside, client, settings).status_code == 302
    user = User.objects.get()
    assert (user.username, user.display_name, user.has_usable_password()) == ("li.na", "Li Na", False)
    assert list(Membership.objects.values_list("tenant__slug", "role", "source")) == [("pay", "operator", "directory")]
    outside.person["groups"] = []
    go(outside, Client(), settings)
    assert not Membership.objects.exists()
    del outside.person["groups"]
    Membership.objects.create(user=user, tenant=TenantFactory.create(), role="viewer")
    go(outside, Client(), settings)
    assert Membership.objects.count() == 1


def test_who_has_no_password_proves_it_at_the_provider(outside: Outside, settings: Settings) -> None:
    """Stock allauth asks such people nothing at all (the third hole)."""
    use(settings, outside, newcomers=True)
    client = Client()
    go(outside, client, settings)
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        asked = client.get("/accounts/security/app/")
        assert asked["Location"].startswith("/accounts/reauthenticate/")
        page = client.get(asked["Location"]).content.decode()
        assert "Sign in again with Okta" in page
        assert 'name="password"' not in page
        back = go(outside, client, settings, again="1", next="/accounts/security/app/")
        assert outside.asked[-1]["prompt"] == "login"
        assert back["Location"] == "/accounts/security/app/"
        assert client.get("/accounts/security/app/").status_code == 200


@pytest.mark.parametrize("twist", [{"iss": "https://other.example"}, {"sub": "s-2"}, {"aud": "other"}, {"exp": 1}])
def test_answers_that_do_not_fit_open_nothing(outside: Outside, settings: Settings, user: User, twist: Any) -> None:
    link(outside, Client(), settings)
    outside.twist = twist
    client = Client()
    assert go(outside, client, settings).status_code == 403
    assert not signed_in(client)


def test_a_deactivated_person_stays_out(outside: Outside, settings: Settings, user: User) -> None:
    link(outside, Client(), settings)
    User.objects.update(is_active=False)
    client = Client()
    assert go(outside, client, settings).status_code == 403
    assert not signed_in(client)


def test_a_foreign_state_and_a_refusal_open_nothing(outside: Outside, settings: Settings, user: User) -> None:
    link(outside, Client(), settings)
    callback = f"/accounts/sso/{settings.SSO['id']}/callback/"
    for query in ("?code=x&state=forged", "?error=access_denied", ""):
        client = Client()
        assert client.get(callback + query).status_code in {200, 403}
        assert not signed_in(client)
    outside.stop()
    page = Client().post(f"/accounts/sso/{settings.SSO['id']}/", {"process": "login"})
    assert page.status_code == 403
    assert "Okta does not answer" in page.content.decode()


def test_another_issuer_is_another_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = set()
    for issuer in ("https://a.example", "https://b.example"):
        monkeypatch.setenv("PKS_SSO_ISSUER", issuer)
        monkeypatch.setenv("PKS_SSO_CLIENT_ID", "x")
        ids.add(configuration.configuration()["id"])
    assert len(ids) == 2
    monkeypatch.setenv("PKS_SSO_ISSUER", "http://c.example")
    with pytest.raises(ImproperlyConfigured, match="https"):
        configuration.configuration()


def test_unlinking(outside: Outside, settings: Settings, user: User) -> None:
    client = Client()
    link(outside, client, settings)
    row = SocialAccount.objects.get()
    assert client.post(f"/accounts/sso/{row.pk}/unlink/").status_code == 302
    assert not SocialAccount.objects.exists()
