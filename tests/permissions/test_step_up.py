"""What is sensitive: each page and form asks who one is again, changes nothing until then, and keeps nothing sent."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from pytest_django.fixtures import Settings

from tenants import adapter, tokens
from tenants.models import User
from tests.factories import ClusterFactory, MembershipFactory

CONFIRM = "/accounts/reauthenticate/"
PASSWORD = "Local-Pw-123456"
MUST = {
    "accounts/device/",
    "accounts/security/app/",
    "accounts/security/app/remove/",
    "accounts/security/keys/",
    "accounts/security/keys/<int:pk>/",
    "accounts/security/keys/<int:pk>/remove/",
    "accounts/security/codes/",
    "accounts/security/codes/new/",
    "accounts/sso/<int:pk>/unlink/",
    "profile/tokens",
    "clusters/<uuid:pk>/emergency",
    "tokens/<uuid:pk>/rotate",
    "platform/directories/new",
    "platform/directories/try",
    "platform/directories/<slug:slug>/edit",
    "platform/directories/<slug:slug>/switch",
    "platform/directories/<slug:slug>/move",
    "platform/directories/<slug:slug>/remove",
    "platform/directories/<slug:slug>/mappings",
    "platform/directories/<slug:slug>/mappings/<int:pk>/remove",
    "platform/directories/<slug:slug>/sync",
    "registry/projects/<str:project>/members",
    "registry/projects/<str:project>/members/<int:pk>/remove",
    "registry/projects/<str:project>/robots",
    "registry/projects/<str:project>/robots/<str:name>",
    "registry/projects/<str:project>/robots/<str:name>/rotate",
    "tenants/<slug:slug>/automation/new",
    "tenants/<slug:slug>/automation/<slug:name>/tokens",
}
"""What issues secrets or changes rights; the views say it by the decorator, and here it is said once more."""
EXAMPLES = {"int": "1", "uuid": "00000000-0000-4000-8000-000000000000"}


def asking(patterns: list[URLPattern | URLResolver], before: str = "", space: str = "") -> dict[str, str]:
    """Return every route whose view is decorated with step_up, and the name of the route."""
    found: dict[str, str] = {}
    for pattern in patterns:
        here = URLResolver._join_route(before, str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            found |= asking(pattern.url_patterns, here, f"{pattern.namespace}:" if pattern.namespace else space)
        elif getattr(pattern.callback, "step_up", False):
            found[here] = f"{space}{pattern.name}"
    return found


SENSITIVE = asking(get_resolver().url_patterns)
PATHS = ["/" + re.sub(r"<(\w+):\w+>", lambda part: EXAMPLES.get(part[1], "x"), route) for route in SENSITIVE]


@pytest.fixture
def client(db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Client:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr(adapter, "REFUSAL_TAKES", 0)
    User.objects.create_user("ops", password=PASSWORD)
    client = Client()
    client.post("/accounts/login/", {"login": "ops", "password": PASSWORD})
    return client


def test_nothing_sensitive_is_forgotten() -> None:
    assert MUST - SENSITIVE.keys() == set()


@pytest.mark.parametrize("path", PATHS)
def test_it_asks_when_the_last_proof_is_old(client: Client, path: str) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        before = list(User.objects.values())
        shown = client.get(path)
        assert shown.status_code == 405 or shown["Location"] == f"{CONFIRM}?next={path.replace('/', '%2F')}"
        sent = client.post(path, {"secret": "typed-secret"}, headers={"Referer": "http://testserver/profile?a=b"})
        assert sent["Location"] == f"{CONFIRM}?next=%2Fprofile%3Fa%3Db", "back to the form, never sent by us"
        script = client.post(path, {"secret": "typed-secret"}, headers={"HX-Request": "true"})
        assert (script.status_code, script["X-Step-Up"]) == (401, CONFIRM)
        assert list(User.objects.values()) == before
        kept = [row.get_decoded() for row in Session.objects.all()]
        assert "typed-secret" not in str(kept)
        assert client.post(f"{CONFIRM}?next={path}", {"password": "wrong"}).status_code == 200
        assert client.post(path)["Location"].startswith(CONFIRM)
        assert client.post(f"{CONFIRM}?next={path}", {"password": PASSWORD})["Location"] == path
        assert not client.post(path).headers.get("Location", "").startswith(CONFIRM)


@pytest.mark.parametrize("path", PATHS)
def test_a_fresh_sign_in_is_proof_enough(client: Client, path: str) -> None:
    assert not client.get(path).headers.get("Location", "").startswith(CONFIRM)


def test_the_dialog_says_what_it_needs(client: Client) -> None:
    script = {"HX-Request": "true"}
    assert client.get(CONFIRM, headers=script).status_code == 204, "proved already"
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        dialog = client.get(CONFIRM, headers=script)
        assert (dialog.status_code, b'<dialog id="step-up"' in dialog.content) == (200, True)
        wrong = client.post(CONFIRM, {"password": "wrong"}, headers=script)
        assert (wrong.status_code, b"wrong" in wrong.content) == (422, False)
        assert client.post(CONFIRM, {"password": PASSWORD}, headers=script).status_code == 204
    assert Client().get(CONFIRM, headers=script).status_code == 401


def test_it_leads_on_only_within_the_portal(client: Client) -> None:
    for wanted in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert client.post(CONFIRM, {"password": PASSWORD, "next": wanted})["Location"] == "/"


def test_another_persons_password_proves_nothing(client: Client) -> None:
    User.objects.create_user("other", password="Other-Pw-123456")
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert client.post(CONFIRM, {"password": "Other-Pw-123456"}).status_code == 200
        assert client.get("/accounts/security/app/").status_code == 302


def test_forms_that_are_sent_as_they_are_say_so() -> None:
    """Without data-step-up a form would lead to a page of its own, and what was typed would be gone."""
    names = set(SENSITIVE.values())
    forgotten = []
    for file in Path("templates").rglob("*.html"):
        for form in re.findall(r"<form\b(?:{%.*?%}|[^>])*>", file.read_text()):
            target = re.search(r"""action="{% url "([\w:-]+)""", form)
            if target and target[1] in names and not re.search(r"data-step-up|hx-post|data-download", form):
                forgotten.append(f"{file}: {target[1]}")
    assert forgotten == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/api/v1/me/tokens"),
        ("post", "/api/v1/tenants/x/members"),
        ("post", "/api/v1/tenants/x/service-accounts"),
        ("delete", "/api/v1/tenants/x/members/1"),
        ("post", "/api/v1/directories"),
        ("patch", "/api/v1/directories/x"),
    ],
)
def test_an_old_session_does_no_more_by_the_api(client: Client, method: str, path: str) -> None:
    def code() -> Any:
        answer = getattr(client, method)(path, "{}", content_type="application/json")
        return answer.json().get("code"), answer.status_code

    assert code()[0] != "step-up-required"
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert code() == ("step-up-required", 403)
        assert client.get("/api/v1/me").status_code == 200
        bearer = tokens.start(User.objects.get(), "pks_cli").access
        answer = getattr(Client(), method)(path, headers={"authorization": f"Bearer {bearer}"})
        assert answer.json().get("code") != "step-up-required", "a token was stepped up for when it was made"


def test_an_idempotency_key_is_no_way_around(client: Client) -> None:
    body, key = {"name": "thief", "scopes": ["read"], "days": 1}, {"Idempotency-Key": "one"}
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        answer = client.post("/api/v1/me/tokens", body, content_type="application/json", headers=key)
    assert (answer.status_code, answer.json().get("code")) == (403, "step-up-required")


@pytest.mark.parametrize(("level", "asks"), [("admin", True), ("edit", False)])
def test_an_administrators_kubeconfig_asks(client: Client, level: str, asks: Any) -> None:
    cluster = ClusterFactory.create()
    MembershipFactory.create(user=User.objects.get(username="ops"), tenant=cluster.tenant, role="admin")
    page, call = f"/clusters/{cluster.pk}/kubeconfigs", f"/api/v1/clusters/{cluster.pk}/kubeconfigs"
    form, script = {"level": level, "hours": "1"}, {"HX-Request": "true"}
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert client.post(page, form, headers=script).headers.get("X-Step-Up") == (CONFIRM if asks else None)
        answer = client.post(call, {"level": level, "hours": 1}, content_type="application/json")
        assert (answer.json().get("code") == "step-up-required") is asks
