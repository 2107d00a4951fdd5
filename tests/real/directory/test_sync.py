"""The sync as the platform's administrators meet it: the brake, applying anyway, two directories, the settings page."""

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from pks_portal.default_set import mapping
from pks_portal.directories import syncing
from pks_portal.operations.models import Operation
from tenants.directory import managing, sources
from tenants.directory.reading import Reader
from tenants.models import (
    ENVIRONMENT,
    AuditEntry,
    DirectorySource,
    GroupMapping,
    Membership,
    Notice,
    PlatformGrant,
    User,
)
from tests.real.directory.doors import refusal, sign_in
from tests.real.directory.lab import SERVICE_PASSWORD, Lab

pytestmark = [pytest.mark.real, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def source(lab: Lab, demo: None) -> DirectorySource:
    return DirectorySource.objects.get(pk=ENVIRONMENT)


def test_the_brake_stops_tells_and_is_released_for_exactly_what_was_seen(
    lab: Lab, source: DirectorySource, settings: Settings, work: Callable[[], None]
) -> None:
    syncing.look(source)
    work()
    roles = set(Membership.objects.values_list("user", "tenant", "role"))
    admins = PlatformGrant.objects.filter(role="platform-admin").count()
    assert admins
    few = lab.config.user_filter.replace("(&", "(&(|(mail=liu.yang@*)(mail=xu*))", 1)  # most are out of sight at once
    settings.DIRECTORY = asdict(replace(lab.config, user_filter=few))
    source.refresh_from_db()
    first = syncing.look(source)
    assert first is not None, DirectorySource.objects.get(pk=ENVIRONMENT).trouble
    work()
    first.refresh_from_db()
    assert (first.status, first.error_key) == ("failed", "error.directory_brake")
    assert set(Membership.objects.values_list("user", "tenant", "role")) == roles
    assert User.objects.filter(is_active=False).count() == 0
    assert Notice.objects.filter(kind="directory.brake").count() == admins
    source.refresh_from_db()
    assert syncing.look(source) is None, "the same is not tried again every ten minutes"
    admin = User.objects.get(username="liu.yang")
    seen = syncing.fingerprint(syncing.difference(source))
    for fingerprint, expected in (("0" * 16, "failed"), (seen, "succeeded")):
        task = syncing.ask(admin, source, seen=fingerprint, reason="the department was sold")
        work()
        task.refresh_from_db()
        assert task.status == expected
    assert User.objects.filter(is_active=False).count() > 5
    assert AuditEntry.objects.filter(action="directory.sync_anyway", actor=admin).count() == 2
    source.refresh_from_db()
    assert source.trouble == {}


def test_an_outage_is_kept_and_told_once(lab: Lab, source: DirectorySource, work: Callable[[], None]) -> None:
    syncing.look(source)
    work()
    with lab.away():
        for _ in range(2):
            source.refresh_from_db()
            assert syncing.look(source) is None
    source.refresh_from_db()
    assert source.trouble["key"] == "error.directory_unavailable"
    assert Notice.objects.filter(kind="directory.trouble").values("user").distinct().count() == Notice.objects.count()
    syncing.look(source)
    source.refresh_from_db()
    assert source.trouble == {}


def test_a_directory_of_the_database_works_as_the_environments_does(
    lab: Lab, settings: Settings, work: Callable[[], None]
) -> None:
    settings.DIRECTORY = {}
    settings.PKS_DIRECTORY_PORTS = [int(uri.rpartition(":")[2]) for uri in lab.config.uris]
    admin = User.objects.create_user("root")
    PlatformGrant.objects.create(user=admin, role="platform-admin")
    row = DirectorySource(
        slug="corp", name="Corp", kind=lab.kind, bind_dn=lab.config.bind_dn, user_base=lab.config.user_base,
        group_base=lab.config.group_base, ca_pem=Path(lab.config.ca_file).read_text(), start_tls=False,
    )  # fmt: skip
    report = managing.try_out(admin, row, lab.config.uris, SERVICE_PASSWORD)
    assert (report.ok, report.servers[0].ok) == (True, True), report
    assert report.people is not None
    assert report.people > 20
    assert report.servers[0].expires
    wrong = managing.try_out(admin, row, lab.config.uris, "wrong")
    assert wrong.said.key == "directory.bind_refused"
    managing.save(admin, row, lab.config.uris, SERVICE_PASSWORD)
    assert sign_in("li.na")[1].status_code == 302
    assert User.objects.get(username="li.na").directory_source == row
    dn = mapping.group_dn("pks-auditors")
    config = sources.config_of(row)
    assert config is not None
    found = Reader(config).browse("pks-aud", 5)
    assert [(group.dn, (group.people or 0) > 0) for group in found] == [(dn, True)]
    rule = GroupMapping(directory=row, group_dn=dn, role="auditor")
    diff = syncing.effect(row, [rule])
    assert all(change.gained == {(None, "auditor"): dn} for change in diff.changes)
    assert len(diff.changes) == found[0].people
    rule.save()
    syncing.ask(admin, row)
    work()
    assert PlatformGrant.objects.filter(role="auditor", via=dn).count() == found[0].people
    managing.switch(admin, row, enabled=False)
    assert refusal(sign_in("li.na")[1])[0] == "sign_in_failed"


def test_the_pages_say_what_would_change_and_apply_it(
    lab: Lab, source: DirectorySource, work: Callable[[], None]
) -> None:
    client, _ = sign_in("liu.yang")  # a platform administrator by a group
    listed = client.get("/platform/directories").content.decode()
    assert "/platform/directories/environment" in listed
    page: Any = client.get("/platform/directories/environment").content.decode()
    assert "pks-payments-operators" in page
    assert "circle-check" in client.get("/platform/directories/environment/health").content.decode()
    assert "payments: operator" in client.get("/platform/directories/environment/changes").content.decode()
    groups = client.get("/platform/directories/environment/groups?q=pks-pay").content.decode()
    assert re.search(r"pks-payments-admins.*person", groups, re.DOTALL)
    answer = client.post("/platform/directories/environment/sync")
    assert answer["Location"].startswith("/tasks/")
    work()
    assert Operation.objects.get(kind="directory.sync").status == "succeeded"
    assert "Nothing would change" in client.get("/platform/directories/environment/changes").content.decode()
    assert Client().get("/platform/directories").status_code == 302
