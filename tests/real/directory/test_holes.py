"""The eight holes of allauth beside a directory, each tried the way it was open, on both directories.

Where the way is a page that this portal does not have, it is routed here, so that what lies behind holds by itself.
"""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from pks_portal.default_set.people import PASSWORD
from tenants.models import Membership, PlatformGrant, Tenant, User
from tests.real.directory.doors import LOCAL_PASSWORD, is_in, reason, refusal, sign_in
from tests.real.directory.lab import Lab

pytestmark = [pytest.mark.real, pytest.mark.django_db]
EVIL = "Evil-local-pw-1"
CONFIRM = "/accounts/reauthenticate/"


@pytest.fixture
def stock(settings: Settings) -> None:
    """Route what is not routed in the portal, and let allauth find people by their address as it does by itself."""
    settings.ROOT_URLCONF = "tests.real.directory.stock"
    settings.ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
    settings.ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]


def test_h1_no_forgotten_password_gives_a_local_one(lab: Lab, stock: None) -> None:
    sign_in("li.na")
    answer = Client().post("/accounts/password/reset/", {"email": "li.na@corp.example"})
    assert answer.status_code == 302, "it does not tell who exists"
    assert mail.outbox == []
    with pytest.raises(ValueError, match="lives in the directory"):
        User.objects.get().set_password(EVIL)
    assert refusal(sign_in("li.na", EVIL)[1])[0] == "sign_in_failed"


def test_h2_who_is_signed_in_sets_no_local_password(lab: Lab, stock: None) -> None:
    client, _ = sign_in("li.na")
    before = User.objects.get().password
    new = {"password1": EVIL, "password2": EVIL}
    assert client.post("/accounts/password/set/", new)["Location"] == "/accounts/password/change/"
    for old in (PASSWORD, EVIL, ""):
        assert client.post("/accounts/password/change/", {"oldpassword": old, **new}).status_code == 200, "refused"
    assert User.objects.get().password == before
    assert refusal(sign_in("li.na", EVIL)[1])[0] == "sign_in_failed"


def test_h3_step_up_asks_directory_people_too_and_the_directory_decides(lab: Lab) -> None:
    client, _ = sign_in("li.na")
    assert client.get("/accounts/security/app/").status_code == 200, "just signed in"
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        for path in ("/accounts/security/app/", "/accounts/security/codes/new/"):
            assert client.get(path)["Location"].startswith(CONFIRM)
        assert refusal(client.post(CONFIRM, {"password": "wrong"}))[0] == "sign_in_failed"
        with lab.away():
            assert refusal(client.post(CONFIRM, {"password": PASSWORD}))[0] == "directory_unavailable"
        assert client.get("/accounts/security/app/").status_code == 302
        assert client.post(CONFIRM, {"password": PASSWORD}).status_code == 302
        assert client.get("/accounts/security/app/").status_code == 200


def test_h4_a_name_in_the_directory_opens_no_local_account(lab: Lab) -> None:
    lab.add("ops")
    local = User.objects.create_superuser("ops", password=LOCAL_PASSWORD)
    PlatformGrant.objects.create(user=local, role="platform-admin")
    client, response = sign_in("ops")
    assert refusal(response)[0] == "sign_in_failed"
    assert not is_in(client)
    assert not User.objects.filter(directory_id__isnull=False).exists()
    User.objects.filter(pk=local.pk).update(username="other")
    sign_in("ops")
    assert User.objects.get(username="ops").pk != local.pk
    assert not User.objects.get(username="ops").is_superuser


def test_h5_a_deactivated_persons_session_is_over(lab: Lab) -> None:
    client, _ = sign_in("li.na")
    assert is_in(client)
    User.objects.update(is_active=False)
    for path in ("/", "/clusters", "/profile", CONFIRM, "/accounts/security/"):
        assert client.get(path)["Location"].startswith("/accounts/login/"), path
    assert client.get("/api/v1/me").status_code == 401


def test_h6_an_outage_is_no_wrong_password_and_costs_no_attempt(lab: Lab) -> None:
    with lab.away():
        for _ in range(5):  # more than the attempts that one has
            code, text = refusal(sign_in("li.na")[1])
            assert code == "directory_unavailable"
            assert "does not answer" in text
    assert sign_in("li.na")[1].status_code == 302


def test_h7_a_recycled_name_opens_nobodys_account(lab: Lab, demo: None) -> None:
    lab.add("tmp.old")
    sign_in("tmp.old")
    first = User.objects.get()
    Membership.objects.create(user=first, tenant=Tenant.objects.get(slug="risk"), role="admin")
    lab.rename("tmp.old", "tmp.new")
    lab.add("tmp.old")
    client, response = sign_in("tmp.old")
    assert (refusal(response)[0], reason(), is_in(client)) == ("sign_in_failed", "name_taken", False)
    client, _ = sign_in("tmp.new")
    assert client.session["_auth_user_id"] == str(first.pk), "the renamed person keeps account and roles"


def test_h8_no_number_of_aliases_locks_a_person_in_the_directory(lab: Lab, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "1000/m/ip,3/5m/key"}
    spellings: list[Any] = ["li.na", "LI.NA", " li.na", "Li.Na"]
    spellings += ["li.na@corp.example", "LI.NA@CORP.EXAMPLE"] if lab.kind == "ad" else []
    for spelling in spellings * 4:
        sign_in(spelling, "wrong")
    assert lab.failures("li.na") <= 3
    assert refusal(sign_in("li.na")[1])[0] == "too_many_attempts"
    cache.clear()
    assert sign_in("li.na")[1].status_code == 302, "the directory has not locked anybody"
