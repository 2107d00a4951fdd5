"""The chain of the audit trail: what a tamperer with the database's own rights does is found and named."""

import io
import logging
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from tenants import audit
from tenants.audit import guards, purging, sealing, verifying
from tenants.audit import tasks as audit_tasks
from tenants.models import AuditEntry, AuditHead, AuditPurge, AuditSeal, User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
ENTRIES = 8


@pytest.fixture(autouse=True)
def clean_trail(db):
    AuditSeal.objects.all()._raw_delete("default")
    AuditEntry.objects.all()._raw_delete("default")


@pytest.fixture
def guarded(clean_trail):
    guards.install(connection)
    yield
    guards.remove(connection)


@pytest.fixture
def chain():
    user = UserFactory.create()
    for number in range(ENTRIES):
        audit.record(user, "user.rename", user, old=f"before {number}", new=f"李娜 {number}")
    assert sealing.seal() == ENTRIES
    return [seal.hash for seal in AuditSeal.objects.order_by("number")]


def sql(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def fault_of(anchor=None):
    """Return what verifying finds wrong."""
    fault = verifying.verify(anchor).fault
    assert fault is not None
    return fault


def entry_of(number):
    return AuditSeal.objects.get(number=number).entry_id


def renumber(*pairs):
    """Give seals other numbers, by a detour because numbers are unique."""
    for old, new in pairs:
        sql("UPDATE tenants_auditseal SET number = %s WHERE number = %s", 1000 + new, old)
    sql("UPDATE tenants_auditseal SET number = number - 1000 WHERE number > 1000")


def change(number):
    sql("UPDATE tenants_auditentry SET actor_name = 'nobody' WHERE id = %s", entry_of(number))


def change_facts(number):
    sql('UPDATE tenants_auditentry SET facts = \'{"old": "x"}\' WHERE id = %s', entry_of(number))


def change_seal(number):
    sql("UPDATE tenants_auditseal SET hash = %s WHERE number = %s", "f" * 64, number)


def take_out(number):
    pk = entry_of(number)
    sql("DELETE FROM tenants_auditseal WHERE number = %s", number)
    sql("DELETE FROM tenants_auditentry WHERE id = %s", pk)


def take_out_and_close_the_gap(number):
    take_out(number)
    renumber(*[(old, old - 1) for old in range(number + 1, ENTRIES + 1)])


def put_in(number):
    renumber(*[(old, old + 1) for old in range(number, ENTRIES + 1)])
    entry = audit.record(None, "user.local_admin", None)
    AuditSeal.objects.create(entry=entry, number=number, hash="e" * 64)
    AuditHead.objects.update(number=ENTRIES + 1)


def swap(number):
    first, second = (AuditSeal.objects.get(number=place) for place in (number, number + 1))
    sql("UPDATE tenants_auditseal SET hash = 'x' WHERE number = %s", number)
    a, b = first.entry_id, second.entry_id
    AuditSeal.objects.filter(number__in=[number, number + 1])._raw_delete("default")
    AuditSeal.objects.create(entry_id=b, number=number, hash=first.hash)
    AuditSeal.objects.create(entry_id=a, number=number + 1, hash=second.hash)


@pytest.mark.parametrize(
    ("deed", "place", "how"),
    [
        (change, 1, "changed"),
        (change, 4, "changed"),
        (change, ENTRIES, "changed"),
        (change_facts, 4, "changed"),
        (change_seal, 4, "changed"),
        (take_out, 1, "missing"),
        (take_out, 4, "missing"),
        (take_out, ENTRIES, "missing"),
        (take_out_and_close_the_gap, 4, "missing"),
        (put_in, 4, "inserted"),
        (swap, 4, "reordered"),
    ],
)
def test_what_was_done_to_the_trail_is_named(chain, deed, place, how):
    assert verifying.verify().fault is None
    deed(place)
    fault = fault_of()
    assert (fault.how, fault.number) == (how, place)
    assert AuditHead.objects.get().verified_fault == f"{how} at {place}"
    with pytest.raises(CommandError, match=str(place)):
        call_command("verify_audit", stdout=io.StringIO())


def test_a_trail_rewritten_as_a_whole_is_found_by_an_anchor_only(chain):
    anchor = (4, chain[3])
    assert verifying.verify(anchor).anchored
    change(2)
    sql("DELETE FROM tenants_auditseal")
    AuditHead.objects.update(number=0, hash=sealing.GENESIS, entry_id=0)
    sealing.seal()
    assert verifying.verify().fault is None
    fault = fault_of(anchor)
    assert (fault.how, fault.number) == ("rewritten", 4)
    with pytest.raises(CommandError, match="rewritten"):
        call_command("verify_audit", anchor=anchor, stdout=io.StringIO())
    assert fault_of((ENTRIES, chain[-1])).number == ENTRIES


def test_the_command_says_what_is_right_and_takes_an_anchor(chain, caplog):
    guards.install(connection)
    out = io.StringIO()
    with caplog.at_level(logging.INFO, "pks.audit"):
        call_command("verify_audit", f"--anchor={ENTRIES}:{chain[-1]}", stdout=out)
    guards.remove(connection)
    assert f"Entries that are right: {ENTRIES}" in out.getvalue()
    assert f"{ENTRIES}:{chain[-1]}" in out.getvalue()
    assert "The anchor fits." in out.getvalue()
    assert f"audit.head {ENTRIES}:{chain[-1]}" in caplog.text  # what an outside collector keeps
    with pytest.raises(CommandError, match="does not refuse"):
        call_command("verify_audit", stdout=io.StringIO())


def test_what_is_not_sealed_yet_is_sealed_by_verifying(chain):
    audit.record(None, "user.local_admin", None)
    report = verifying.verify()
    assert (report.right, report.unsealed, report.late) == (ENTRIES + 1, 0, 0)
    entry = AuditEntry(action="user.local_admin", actor_name="x", at=timezone.now() - timedelta(days=2))
    entry.save()
    assert verifying.verify().late == 1


@pytest.mark.parametrize("table", ["tenants_auditentry", "tenants_auditseal", "tenants_auditpurge"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_the_database_refuses_to_change_or_delete(chain, guarded, table, statement):
    if "TRUNCATE" in statement and connection.vendor == "sqlite":
        return  # SQLite has no such statement: DELETE is it
    AuditPurge.objects.create(number=1, hash=chain[0], by="x")
    AuditPurge.objects.create(number=2, hash=chain[1], by="x")
    if connection.vendor == "postgresql":
        sql("SET CONSTRAINTS ALL IMMEDIATE")  # else it is what waits for the end that refuses TRUNCATE
    column = "actor_name" if table == "tenants_auditentry" else "hash"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        sql(statement.format(table, column, column))
    assert guards.missing(connection) == []
    with pytest.raises(ValueError, match="never"):
        AuditEntry.objects.get(pk=entry_of(1)).save()
    with pytest.raises(ValueError, match="never"):
        AuditEntry.objects.get(pk=entry_of(1)).delete()


def test_the_guards_are_in_place_after_all_migrations(django_db_setup, request):
    """A migration that changes one of the tables drops its triggers on SQLite, and must then install them again."""
    if not request.config.getoption("nomigrations"):
        assert django_db_setup == []


def test_purging_lets_go_of_the_old_and_nothing_else(chain, guarded, settings):
    assert purging.purge() == 0, "without the setting everything is kept"
    settings.PKS_AUDIT_DAYS = 30
    old = [
        AuditEntry(action="user.local_admin", actor_name="old", at=timezone.now() - timedelta(days=31 + n))
        for n in range(3)
    ]
    assert purging.purge() == 0, "nothing is old enough"
    guards.remove(connection)
    sql("UPDATE tenants_auditentry SET at = %s WHERE id <= %s", timezone.now() - timedelta(days=31), entry_of(3))
    sql("DELETE FROM tenants_auditseal")
    AuditHead.objects.update(number=0, hash=sealing.GENESIS, entry_id=0)
    guards.install(connection)
    assert len(old) == 3
    assert purging.purge("he.xin") == 3
    made = AuditPurge.objects.get()
    assert (made.number, made.by) == (3, "he.xin")
    report = verifying.verify()
    assert (report.fault, report.after, report.right) == (None, 3, ENTRIES - 3 + 1)
    assert AuditEntry.objects.get(action="audit.purge").facts["hash"] == made.hash
    assert verifying.verify((2, chain[1])).anchored is False
    assert purging.purge() == 0


def test_a_purge_that_nobody_recorded_is_found(chain):
    AuditPurge.objects.create(number=2, hash=chain[1], by="intruder")
    take_out(1)
    take_out(2)
    fault = fault_of()
    assert (fault.how, fault.number) == ("purged", 2)


def test_readyz_says_that_the_trail_is_broken(chain):
    assert "audit" not in Client().get("/readyz").json()["parts"]
    verifying.verify()
    assert "audit" not in Client().get("/readyz").json()["parts"]
    change(2)
    verifying.verify()
    assert Client().get("/readyz").json()["parts"]["audit"] == "broken"
    AuditHead.objects.update(verified_fault="", verified_at=timezone.now() - timedelta(days=4))
    assert Client().get("/readyz").json()["parts"]["audit"] == "not verified lately"


def test_the_head_is_told_once_an_hour(chain, caplog):
    with caplog.at_level(logging.INFO, "pks.audit"):
        audit_tasks.seal()
        audit_tasks.seal()
        assert caplog.text.count("audit.head") == 1
        AuditHead.objects.update(told_at=timezone.now() - timedelta(minutes=61))
        audit_tasks.seal()
        assert caplog.text.count("audit.head") == 2


@pytest.mark.django_db(transaction=True)
def test_many_sealers_and_deeds_at_once_make_one_chain():
    actor = User.objects.create(username="busy")
    stop, broken = threading.Event(), []

    def working(deed):
        def loop():
            try:
                while not stop.is_set():
                    deed()
            except Exception as error:  # noqa: BLE001 - whatever it is, the test is to say it
                broken.append(error)
            finally:
                connection.close()

        return threading.Thread(target=loop)

    threads = [working(lambda: audit.record(actor, "user.local_admin", actor)) for _ in range(3)]
    threads += [working(sealing.seal) for _ in range(3)]
    for thread in threads:
        thread.start()
    deadline = timezone.now() + timedelta(seconds=20)
    while AuditEntry.objects.count() < 60 and timezone.now() < deadline and not broken:
        stop.wait(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    assert broken == []
    report = verifying.verify()
    assert (report.fault, report.right, report.unsealed) == (None, AuditEntry.objects.count(), 0)
    assert report.right >= 60
