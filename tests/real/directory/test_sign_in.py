"""Signing in against real directories: the same tests on slapd and on a Samba domain controller."""

from dataclasses import asdict

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from pks_portal.default_set import mapping
from pks_portal.default_set.people import PASSWORD
from tenants.directory.client import Directory, Rejected
from tenants.models import AuditEntry, Membership, PlatformGrant, Source, Tenant, User
from tests.real.directory.doors import LOCAL_PASSWORD, is_in, reason, refusal, roles, sign_in, tokens
from tests.real.directory.lab import Lab

pytestmark = [pytest.mark.real, pytest.mark.django_db]

# people who may


def test_a_person_signs_in_and_gets_the_roles_of_their_groups(lab: Lab, demo: None) -> None:
    client, response = sign_in("li.na")
    assert (response.status_code, response["Location"]) == (302, "/")
    assert is_in(client)
    user = User.objects.get()
    assert (user.username, user.display_name, user.email) == ("li.na", "Li Na", "li.na@corp.example")
    assert user.display_name_zh == ("李娜" if lab.kind == "openldap" else "")
    assert user.directory_id == Directory(lab.config).find("li.na").id  # type: ignore[union-attr]
    assert user.password.startswith("!")
    assert roles() == {("payments", "operator")}
    assert Membership.objects.get().via == mapping.group_dn("pks-payments-operators")
    assert AuditEntry.objects.filter(action="session.start", actor=user, address="127.0.0.1").count() == 1
    assert AuditEntry.objects.get(action="user.roles").facts == {"gained": ["payments: operator"], "lost": []}


@pytest.mark.parametrize(
    ("login", "expected"), [("zhou.tao", ("payments", "developer")), ("yuan.kai", ("risk", "developer"))]
)
def test_nested_groups_give_roles(lab: Lab, demo: None, login: str, expected: tuple[str, str]) -> None:
    assert sign_in(login)[1].status_code == 302
    assert roles() == {expected}


@pytest.mark.parametrize(("login", "role"), [("liu.yang", "platform-admin"), ("he.xin", "auditor")])
def test_platform_roles(lab: Lab, demo: None, login: str, role: str) -> None:
    sign_in(login)
    assert list(PlatformGrant.objects.values_list("role", "source")) == [(role, Source.DIRECTORY)]
    assert not roles()


def test_whoever_has_no_group_signs_in_without_roles(lab: Lab, demo: None) -> None:
    assert sign_in("bai.lu")[1].status_code == 302
    assert not roles()


def test_one_account_whatever_the_spelling(lab: Lab) -> None:
    spellings = ["li.na", "LI.NA", " li.na "] + (["li.na@corp.example"] if lab.kind == "ad" else [])
    for spelling in spellings:
        assert sign_in(spelling)[1].status_code == 302, spelling
    assert User.objects.count() == 1


def test_a_name_full_of_filter_characters_is_a_name_like_any_other(slapd: Lab, settings: Settings) -> None:
    settings.DIRECTORY = asdict(slapd.config)
    slapd.add("o(brien)*")
    try:
        assert sign_in("o(brien)*")[1].status_code == 302
        assert User.objects.get().username == "o(brien)*"
    finally:
        slapd.forget()


def test_a_role_goes_with_the_group_at_the_next_sign_in_and_manual_roles_stay(lab: Lab, demo: None) -> None:
    lab.add("new.comer")
    lab.put("new.comer", "pks-risk-viewers")
    lab.put("new.comer", "pks-iot-operators")
    sign_in("new.comer")
    assert roles() == {("risk", "viewer"), ("iot", "operator")}
    user = User.objects.get()
    Membership.objects.create(user=user, tenant=Tenant.objects.get(slug="data"), role="viewer")
    lab.take("new.comer", "pks-iot-operators")
    sign_in("new.comer")
    assert roles() == {("risk", "viewer"), ("data", "viewer")}
    assert AuditEntry.objects.filter(action="user.roles").latest("pk").facts == {
        "gained": [],
        "lost": ["iot: operator"],
    }


def test_step_up_asks_the_directory(lab: Lab) -> None:
    client, _ = sign_in("li.na")
    wrong = client.post("/accounts/reauthenticate/", {"password": "wrong"})
    assert "Sign in failed" in refusal(wrong)[1]
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302
    assert client.session["account_authentication_methods"][-1]["reauthenticated"]


# people who may not


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("li.na", "wrong"),
        ("nobody.here", PASSWORD),
        ("*", PASSWORD),
        ("li.*", PASSWORD),
        ("li.na)(uid=*", PASSWORD),
        ("*)(uid=*))(|(uid=*", PASSWORD),
        ("li.na)(|(objectClass=*", PASSWORD),
        ("\\2a", PASSWORD),
        ("li.na", "x" * 1025),
    ],
)
def test_refused_with_the_same_words(lab: Lab, login: str, password: str) -> None:
    client, response = sign_in(login, password)
    code, text = refusal(response)
    assert (code, text) == ("sign_in_failed", "Sign in failed. Check the user name and password; 2 attempts left.")
    assert not is_in(client)
    assert not User.objects.exists()
    entry = AuditEntry.objects.get(action="session.refused")
    assert entry.facts["login"] == login
    assert password not in str(entry.facts)


@pytest.mark.parametrize(
    ("login", "password"), [("li.na", ""), ("", PASSWORD), ("li.na\0", PASSWORD), ("li.na", "a\0b")]
)
def test_nobody_is_asked_about_nonsense(lab: Lab, login: str, password: str) -> None:
    assert sign_in(login, password)[1].status_code == 200
    assert not User.objects.exists()
    refused = 400 if "\0" in login + password else 401  # text that no database can keep is no sign-in at all
    assert tokens(grant_type="password", username=login, password=password).status_code == refused


def test_an_empty_password_is_never_taken_to_the_server(lab: Lab, directory: Directory) -> None:
    person = directory.find("li.na")
    with lab.away(), pytest.raises(Rejected):
        directory.check_password(person, "")


def test_disabled_in_the_directory(lab: Lab) -> None:
    _, response = sign_in("zhao.min")
    assert refusal(response)[0] == "sign_in_failed"
    assert reason() == "disabled"
    assert not User.objects.exists()


def test_a_password_that_must_be_changed_is_told_after_the_right_one_only(lab: Lab) -> None:
    lab.add("first.day")
    lab.must_change("first.day")
    code, text = refusal(sign_in("first.day")[1])
    assert code == "password_change_needed"
    assert "has to be changed" in text
    assert refusal(sign_in("first.day", "wrong")[1])[0] == "sign_in_failed"


def test_a_name_that_fits_two_people_fits_nobody(slapd: Lab, settings: Settings) -> None:
    settings.DIRECTORY = asdict(slapd.config) | {"user_filter": "(&(objectClass=inetOrgPerson)(title={login}))"}
    assert refusal(sign_in("算法工程师")[1])[0] == "sign_in_failed"
    assert reason() == "unknown"
    assert not User.objects.exists()
    assert sign_in("平台架构师")[1].status_code == 302
    assert User.objects.get().username == "zhang.wei"


def test_an_account_deactivated_here_stays_out_and_its_session_ends(lab: Lab) -> None:
    client, _ = sign_in("li.na")
    token = tokens(grant_type="password", username="li.na", password=PASSWORD).json()
    bearer = {"authorization": f"Bearer {token['access_token']}"}
    assert Client().get("/api/v1/me", headers=bearer).status_code == 200
    User.objects.update(is_active=False)
    assert not is_in(client)
    assert Client().get("/api/v1/me", headers=bearer).status_code == 401
    assert tokens(grant_type="refresh_token", refresh_token=token["refresh_token"]).status_code == 401
    assert refusal(sign_in("li.na")[1])[0] == "sign_in_failed"
    assert reason() == "inactive"


# names and accounts


def test_a_renamed_person_keeps_the_account_and_the_recycled_name_opens_nothing(lab: Lab, demo: None) -> None:
    lab.add("tmp.old")
    lab.put("tmp.old", "pks-risk-admins")
    sign_in("tmp.old")
    first = User.objects.get()
    lab.rename("tmp.old", "tmp.new")
    lab.add("tmp.old")
    assert refusal(sign_in("tmp.old")[1])[0] == "sign_in_failed"
    assert reason() == "name_taken"
    assert sign_in("tmp.new")[1].status_code == 302
    first.refresh_from_db()
    assert (User.objects.count(), first.username) == (1, "tmp.new")
    assert sign_in("tmp.old")[1].status_code == 302
    second = User.objects.get(username="tmp.old")
    assert second.pk != first.pk
    assert not second.memberships.exists()


def test_two_people_who_swapped_names_keep_their_accounts(lab: Lab) -> None:
    for name in ("ann", "bob"):
        lab.add(name)
        sign_in(name)
    before = dict(User.objects.values_list("directory_id", "pk"))
    for old, new in (("ann", "tmp"), ("bob", "ann"), ("tmp", "bob")):
        lab.rename(old, new)
    assert sign_in("ann")[1].status_code == 302
    assert sign_in("bob")[1].status_code == 302
    assert dict(User.objects.values_list("directory_id", "pk")) == before
    find = Directory(lab.config).find
    for name in ("ann", "bob"):
        assert User.objects.get(username=name).directory_id == find(name).id  # type: ignore[union-attr]


def test_a_local_account_is_never_taken_over_and_the_directory_never_hears_its_password(lab: Lab) -> None:
    lab.add("ops")
    local = User.objects.create_user("ops", password=LOCAL_PASSWORD)
    assert refusal(sign_in("OPS", PASSWORD)[1])[0] == "sign_in_failed"
    local.refresh_from_db()
    assert local.directory_id is None
    assert sign_in("ops", LOCAL_PASSWORD)[1].status_code == 302
    assert lab.failures("ops") == 0
