"""What is kept is counted, what is due is purged, and both agree."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from pks_portal.upkeep import retention
from tenants import audit, tokens
from tenants.audit import tasks as trail
from tenants.automation import tasks as hourly
from tenants.models import IdempotencyRecord, Notice, User
from tenants.notices import tasks as daily
from tests.factories import PlatformGrantFactory
from tests.permissions.people import browser_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def boss() -> User:
    return PlatformGrantFactory.create().user


def counts() -> dict[str, tuple[int, int]]:
    """Return for each kind its rows and how many are due."""
    return {str(one.name): (one.rows, one.due) for one in retention.kept()}


def purge() -> None:
    """Run what beat runs."""
    for task in (hourly.forget, daily.purge, trail.purge):
        task()


def test_what_is_due_is_counted_and_goes(boss: User, settings: Settings) -> None:
    settings.PKS_AUDIT_DAYS, settings.PKS_NOTICE_DAYS = 30, 20
    browser: Client = browser_of(boss)
    UserSession.objects.create(user=boss, session_key=browser.session.session_key, ip="127.0.0.1")
    tokens.start(boss, "pks_cli")
    Notice.objects.create(user=boss, kind="role.given")
    IdempotencyRecord.objects.create(actor=boss, key="k", method="POST", path="/", digest="")
    audit.record(boss, "session.confirm", boss)
    young = counts()
    assert {name for name, (rows, due) in young.items() if due} == set()
    filled = {name for name, (rows, _due) in young.items() if rows}
    assert filled == {
        "Audit log", "Notices", "Sessions in browsers", "Sign-ins at the command line",
        "Answers to requests with an Idempotency-Key",
    }  # fmt: skip
    with time_machine.travel(timezone.now() + timedelta(days=31), tick=True):
        old = counts()
        assert all(old[name] == (young[name][0], young[name][0]) for name in filled)
        purge()
        left = counts()
    assert {name: due for name, (_rows, due) in left.items() if due} == {}
    assert {name for name, (rows, _due) in left.items() if rows} == {"Audit log"}, "the purge itself is on record"
    assert not UserSession.objects.exists()


def test_for_ever_is_for_ever(boss: User, settings: Settings) -> None:
    settings.PKS_AUDIT_DAYS = 0
    audit.record(boss, "session.confirm", boss)
    with time_machine.travel(timezone.now() + timedelta(days=4000), tick=True):
        purge()
        assert counts()["Audit log"] == (1, 0)


def test_the_page_and_the_command_say_the_same(boss: User) -> None:
    Notice.objects.create(user=boss, kind="role.given")
    page = browser_of(boss).get("/platform/retention").content.decode()
    out = StringIO()
    call_command("retention", "--json", stdout=out)
    said: list[dict[str, Any]] = json.loads(out.getvalue())
    assert next(row for row in said if row["name"] == "Notices")["rows"] == 1
    assert all(row["name"] in page for row in said)
    out = StringIO()
    call_command("retention", stdout=out)
    assert len(out.getvalue().splitlines()) == len(said)
