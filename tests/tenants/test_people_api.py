"""People over REST, as the platform's administrators and auditors see them."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from tenants import tokens
from tenants.models import PlatformGrant, PlatformRole, Role, Source, User
from tests.factories import MembershipFactory, PlatformGrantFactory, UserFactory
from tests.permissions.people import browser_of
from tests.tools import client_of

pytestmark = pytest.mark.django_db
PEOPLE = "/api/v1/people"


@pytest.fixture
def boss() -> User:
    return PlatformGrantFactory.create(user__username="boss").user


@pytest.fixture
def api(boss: User) -> APIClient:
    return client_of(boss)


@pytest.fixture
def li_na() -> Any:
    return MembershipFactory.create(user__username="li.na", user__display_name="Li Na", role=Role.OPERATOR)


def names(api: APIClient, query: str = "") -> list[str]:
    return [row["username"] for row in api.get(f"{PEOPLE}{query}").json()["items"]]


def test_the_list_is_searched_narrowed_and_paged(api: APIClient, li_na: Any) -> None:
    UserFactory.create(username="zoe", is_active=False)
    User.objects.create(username=f"{li_na.tenant.slug}/ci", kind=User.Kind.SERVICE)
    assert names(api) == ["boss", "li.na", "zoe"]
    assert names(api, "?search=Li%20N") == names(api, "?username=LI.NA") == ["li.na"]
    assert [names(api, f"?state={state}") for state in ("left", "platform")] == [["zoe"], ["boss"]]
    first = api.get(f"{PEOPLE}?limit=2").json()
    assert [row["username"] for row in api.get(first["next"]).json()["items"]] == ["zoe"]


def test_the_list_costs_the_same_however_long(
    api: APIClient, li_na: Any, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(30) as few:
        api.get(PEOPLE)
    for _ in range(5):
        MembershipFactory.create()
        PlatformGrantFactory.create()
    with django_assert_num_queries(len(few)):
        api.get(PEOPLE)


def test_a_person_with_why_sign_ins_and_end(api: APIClient, boss: User, li_na: Any) -> None:
    browser_of(li_na.user)
    tokens.start(li_na.user, "pks_cli")
    shown = api.get(f"{PEOPLE}/{li_na.user_id}").json()
    assert (shown["name"], shown["active"], shown["sign_ins"], shown["departure"]) == ("Li Na", True, 1, None)
    assert shown["tenants"] == [{"tenant": li_na.tenant.slug, "role": "operator", "source": "manual", "group": ""}]
    assert [(one["tenant"], one["role"], one["by"]) for one in shown["reasons"]] == [
        (li_na.tenant.slug, "operator", "")
    ]
    gone = api.post(f"{PEOPLE}/{li_na.user_id}/deactivate", {"reason": "moved on"}, format="json").json()
    assert (gone["active"], gone["tenants"], gone["sign_ins"]) == (False, [], 0)
    assert {name: gone["departure"][name] for name in ("by", "reason", "roles")} == {
        "by": boss.username, "reason": "moved on", "roles": [f"{li_na.tenant.slug}: operator"],
    }  # fmt: skip
    back = api.post(f"{PEOPLE}/{li_na.user_id}/reactivate").json()
    assert (back["active"], back["departure"], back["tenants"]) == (True, None, [])


def test_platform_roles_are_given_and_taken(api: APIClient, li_na: Any) -> None:
    mine = f"{PEOPLE}/{li_na.user_id}/platform-roles"
    assert api.post(mine, {"role": "auditor"}, format="json").json()["platform_roles"] == ["auditor"]
    assert api.delete(f"{mine}/auditor").status_code == 204
    assert api.delete(f"{mine}/auditor").status_code == 404
    PlatformGrant.objects.create(user=li_na.user, role="auditor", source=Source.DIRECTORY, via="cn=a,dc=b")
    answer = api.delete(f"{mine}/auditor")
    assert (answer.status_code, answer.json()["code"]) == (409, "role-by-group")
    PlatformGrant.objects.create(user=li_na.user, role="auditor", source=Source.MANUAL)
    assert api.delete(f"{mine}/auditor").status_code == 204, "the one by hand goes first"


def test_nobody_gives_to_themselves_or_ends_themselves(api: APIClient, boss: User) -> None:
    mine = f"{PEOPLE}/{boss.pk}"
    for answer in (
        api.post(f"{mine}/platform-roles", {"role": "auditor"}, format="json"),
        api.post(f"{mine}/deactivate", {"reason": "x"}, format="json"),
    ):
        assert (answer.status_code, answer["Content-Type"]) == (403, "application/problem+json")
    assert api.delete(f"{mine}/platform-roles/{PlatformRole.PLATFORM_ADMIN}").json()["code"] == "last-platform-admin"


def test_a_session_is_asked_for_a_confirmation(boss: User, li_na: Any) -> None:
    browser: Client = browser_of(boss)
    with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=True):
        answer = browser.post(f"{PEOPLE}/{li_na.user_id}/deactivate", {"reason": "x"}, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "step-up-required")
