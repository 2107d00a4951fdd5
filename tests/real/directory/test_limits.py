"""Too many attempts, and directories that do not answer."""

from dataclasses import asdict, replace

import pytest
from pytest_django.fixtures import Settings

from pks_portal.default_set.people import PASSWORD
from tenants.models import AuditEntry, User
from tests.real.directory.doors import LOCAL_PASSWORD, is_in, refusal, roles, sign_in, tokens
from tests.real.directory.lab import Lab

pytestmark = [pytest.mark.real, pytest.mark.django_db]


def test_the_limit_is_per_person_whatever_alias_is_typed_and_stays_below_the_directorys_own(lab: Lab) -> None:
    aliases = ["zhang.wei", "ZHANG.WEI", " zhang.wei"] + (["zhang.wei@corp.example"] if lab.kind == "ad" else [])
    answers = [refusal(sign_in(alias, "wrong")[1]) for alias in (aliases * 3)[:6]]
    assert [code for code, _ in answers] == ["sign_in_failed"] * 3 + ["too_many_attempts"] * 3
    assert [text.split("; ")[-1] for _, text in answers[:2]] == ["2 attempts left.", "1 attempt left."]
    assert answers[2][1] == answers[3][1] == "Too many failed attempts. Try again in 5 minutes."
    assert lab.failures("zhang.wei") == 3
    assert refusal(sign_in("zhang.wei")[1])[0] == "too_many_attempts"
    limited = tokens(grant_type="password", username="zhang.wei", password=PASSWORD)
    assert (limited.status_code, limited.json()["error"]) == (429, "slow_down")
    assert 0 < int(limited["Retry-After"]) <= 300
    assert sign_in("li.na")[1].status_code == 302


def test_a_success_clears_the_persons_count_as_the_directory_does(lab: Lab) -> None:
    assert refusal(sign_in("li.na", "wrong")[1])[1].endswith("2 attempts left.")
    for _ in range(3):
        assert sign_in("li.na")[1].status_code == 302
    assert refusal(sign_in("li.na", "wrong")[1])[1].endswith("2 attempts left.")


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


def test_a_group_base_that_vanished_refuses_sign_in_and_keeps_roles(lab: Lab, demo: None, settings: Settings) -> None:
    sign_in("li.na")
    settings.DIRECTORY = asdict(replace(lab.config, group_base="ou=gone,dc=corp,dc=example"))
    assert refusal(sign_in("li.na")[1])[0] == "directory_unavailable"
    assert roles() == {("payments", "operator")}
