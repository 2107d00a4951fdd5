"""Signing in against real directories: the same tests on slapd and on a Samba domain controller."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from pks_portal.default_set import certificates, mapping
from pks_portal.default_set.people import PASSWORD
from tenants.directory import transport
from tenants.directory.client import Directory, Rejected
from tenants.directory.transport import DirectoryUnavailable
from tenants.models import AuditEntry, Membership, PlatformGrant, Source, Tenant, User
from tests.real.directory import Lab, Samba, Slapd, why_not_samba

pytestmark = [pytest.mark.real, pytest.mark.django_db]

LOCAL_PASSWORD = "Local-Pw-123456"


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Slapd(tmp_path_factory.mktemp("slapd"))
    yield lab
    lab.stop()


@pytest.fixture(scope="session")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if os.geteuid() != 0:
        pytest.skip("a domain controller needs root: its ports are below 1024")
    if reason := why_not_samba():
        pytest.fail(reason)
    lab = Samba(tmp_path_factory.mktemp("samba"))
    yield lab
    lab.stop()


@pytest.fixture(params=["slapd", "samba"])
def lab(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Lab]:
    found: Lab = request.getfixturevalue(request.param)
    settings.DIRECTORY = asdict(found.config)
    transport._until.clear()
    yield found
    found.forget()


@pytest.fixture
def directory(lab: Lab) -> Directory:
    return Directory(lab.config)


@pytest.fixture
def demo(settings: Settings) -> None:
    settings.DEMO = True
    call_command("seed_demo", verbosity=0)


def sign_in(login: str, password: str = PASSWORD, client: Client | None = None) -> tuple[Client, HttpResponse]:
    client = client or Client()
    return client, client.post("/accounts/login/", {"login": login, "password": password})


def is_in(client: Client) -> bool:
    return client.get("/accounts/logout/").status_code == 200


def roles() -> set[tuple[str, str]]:
    return set(Membership.objects.values_list("tenant__slug", "role"))


def refusal(response: HttpResponse) -> tuple[str, str]:
    """Return code and text of the form's error."""
    assert response.status_code == 200
    (errors,) = response.context["form"].errors.as_data().values()
    return errors[0].code, errors[0].messages[0]


def reason() -> str:
    return str(AuditEntry.objects.filter(action="session.refused").latest("pk").facts["reason"])


def tokens(**form: str) -> Any:
    return Client().post("/oauth/token", {"client_id": "pks_cli", "client_secret": "", **form})


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
def test_nobody_is_asked_about_nonsense(directory: Directory, login: str, password: str) -> None:
    _, response = sign_in(login, password)
    assert response.status_code == 200
    assert not User.objects.exists()
    assert tokens(grant_type="password", username=login, password=password).status_code == 401
    with suppress(ValueError), pytest.raises(Rejected):
        directory.check_password(directory.find("li.na"), password if login == "li.na" else "")


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


# limits and outages


def test_the_limit_is_per_person_whatever_alias_is_typed_and_stays_below_the_directorys_own(lab: Lab) -> None:
    aliases = ["zhang.wei", "ZHANG.WEI", " zhang.wei"] + (["zhang.wei@corp.example"] if lab.kind == "ad" else [])
    answers = [refusal(sign_in(alias, "wrong")[1]) for alias in (aliases * 3)[:6]]
    assert [code for code, _ in answers] == ["sign_in_failed"] * 3 + ["too_many_attempts"] * 3
    assert [text.split("; ")[-1] for _, text in answers[:3]] == [
        "2 attempts left.",
        "1 attempt left.",
        "0 attempts left.",
    ]
    assert answers[3][1] == "Too many failed attempts. Try again in 5 minutes."
    assert lab.failures("zhang.wei") == 3
    assert refusal(sign_in("zhang.wei")[1])[0] == "too_many_attempts"
    limited = tokens(grant_type="password", username="zhang.wei", password=PASSWORD)
    assert (limited.status_code, limited.json()["error"]) == (429, "slow_down")
    assert 0 < int(limited["Retry-After"]) <= 301
    assert sign_in("li.na")[1].status_code == 302


def test_successes_do_not_wipe_the_count_nor_add_to_it(lab: Lab) -> None:
    sign_in("li.na", "wrong")
    for _ in range(3):
        assert sign_in("li.na")[1].status_code == 302
    assert refusal(sign_in("li.na", "wrong")[1])[1].endswith("1 attempt left.")


def test_an_outage_is_no_wrong_password_and_takes_no_roles(lab: Lab, demo: None) -> None:
    client, _ = sign_in("li.na")
    local = User.objects.create_user("root", password=LOCAL_PASSWORD)
    with lab.away():
        for _ in range(6):
            code, text = refusal(sign_in("li.na")[1])
            assert code == "directory_unavailable"
            assert text == "The directory server does not answer. Local administrators can still sign in."
        answer = tokens(grant_type="password", username="li.na", password=PASSWORD)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert answer.json()["error"] == "temporarily_unavailable"
        assert is_in(client)
        assert sign_in("root", LOCAL_PASSWORD)[1].status_code == 302
        for left in (2, 1):
            assert f"{left} attempt" in refusal(sign_in("root", "wrong")[1])[1]
    assert AuditEntry.objects.filter(action="session.unavailable").count() == 7
    assert ("payments", "operator") in roles()
    assert sign_in("li.na")[1].status_code == 302
    assert local.pk


@pytest.mark.parametrize("encrypted_from_start", [True, False])
def test_a_silent_server_costs_two_seconds_and_is_tried_last_from_then_on(lab: Lab, encrypted_from_start: bool) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        scheme = "ldaps" if encrypted_from_start else "ldap"
        uri = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        alone = Directory(replace(lab.config, uris=(uri,), start_tls=True))
        began = time.monotonic()
        with pytest.raises(DirectoryUnavailable) as caught:
            alone.find("li.na")
        assert 1.5 < time.monotonic() - began < 4
        assert uri in caught.value.cause
        transport._until.clear()
        both = Directory(replace(lab.config, uris=(uri, *lab.config.uris), start_tls=True))
        times = []
        for _ in range(2):
            began = time.monotonic()
            assert both.find("li.na")
            times.append(time.monotonic() - began)
        assert times[0] > 1.5 > times[1]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"ca_file": "other"}, "certificate verify failed"),
        ({"uris": "plain"}, "unencrypted connection is not allowed"),
        ({"uris": "localhost"}, "write 127.0.0.1"),
        ({"bind_password": "wrong"}, "own account is refused"),
        ({"user_base": "ou=gone,dc=corp,dc=example"}, "NO_SUCH_OBJECT"),
    ],
)
def test_what_is_set_up_wrongly_is_an_outage_that_says_why(
    lab: Lab, change: dict[str, Any], cause: str, tmp_path: Path
) -> None:
    certificates.ensure(tmp_path / "tls")
    port = lab.config.uris[0].rpartition(":")[2]
    values = {
        "other": str(tmp_path / "tls/ca.pem"),
        "plain": ("ldap://127.0.0.1:389",),
        "localhost": (f"ldaps://localhost:{port}",),
    }
    broken = replace(lab.config, **{name: values.get(value, value) for name, value in change.items()})
    with pytest.raises(DirectoryUnavailable) as caught:
        Directory(broken).find("li.na")
    assert cause in caught.value.cause


def test_a_group_base_that_vanished_refuses_sign_in_and_keeps_roles(lab: Lab, demo: None, settings: Settings) -> None:
    sign_in("li.na")
    settings.DIRECTORY = asdict(replace(lab.config, group_base="ou=gone,dc=corp,dc=example"))
    assert refusal(sign_in("li.na")[1])[0] == "directory_unavailable"
    assert roles() == {("payments", "operator")}


def test_pages_are_halved_until_the_server_accepts_them(lab: Lab) -> None:
    asked = Directory(replace(lab.config, page_size=3200))
    person = asked.find("zhou.tao")
    assert person is not None
    assert len(asked.groups(person)) == 2


def test_a_person_is_found_by_the_id_that_never_changes(lab: Lab, directory: Directory) -> None:
    lab.add("tmp.id")
    found = directory.find("tmp.id")
    assert found is not None
    lab.rename("tmp.id", "tmp.other")
    again = directory.find_by_id(found.id)
    assert again is not None
    assert again.login == "tmp.other"
    assert directory.find("tmp.id") is None
