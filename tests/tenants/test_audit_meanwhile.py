"""The audit trail while it is purged, and where a filter or a guard is not what it seems."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone
from pytest_django.fixtures import Settings

from tenants import audit
from tenants.audit import guards, http, purging, verifying
from tenants.models import AuditHead, User
from tests.factories import PlatformGrantFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return PlatformGrantFactory.create().user


def test_what_is_purged_while_the_trail_is_verified_is_no_fault(
    admin: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        audit.record(admin, "user.rename", admin, old="a", new=str(number))
    settings.PKS_AUDIT_DAYS = 1
    monkeypatch.setattr(verifying, "AT_ONCE", 4)
    beginning, purged = verifying._beginning, []

    def then_purged() -> verifying.Anchor:
        found = beginning()
        with time_machine.travel(timezone.now() + timedelta(days=3)):
            purged.append(purging.purge())
        return found

    monkeypatch.setattr(verifying, "_beginning", then_purged)
    assert verifying.verify().fault is None
    assert sum(purged) >= 20
    assert AuditHead.objects.get().verified_fault == ""


@pytest.mark.parametrize("wanted", [{"since": "garbage"}, {"since": "9999-12-31T00:00:00Z"}, {"door": "nowhere"}])
def test_an_export_under_a_bad_filter_is_not_the_whole_trail(admin: User, wanted: dict[str, str]) -> None:
    audit.record(admin, "user.rename", admin, old="a", new="b")
    answer = http.export(RequestFactory().get("/"), admin, "jsonl", wanted)
    body = b"".join(bytes(part) for part in answer)
    assert b'"entries": 0' in body


def test_a_guard_of_any_kind_that_is_gone_is_named() -> None:
    guards.install(connection)
    postgresql = connection.vendor == "postgresql"
    verbs = ["update", "delete", *(["truncate"] if postgresql else [])]
    try:
        for table in guards.MAY_GO:
            for verb in verbs:
                with connection.cursor() as cursor:
                    cursor.execute(f"DROP TRIGGER {table}_{verb}" + (f" ON {table}" if postgresql else ""))
                assert guards.missing(connection) == [f"{table}_{verb}"]
                guards.install(connection)
    finally:
        guards.remove(connection)
