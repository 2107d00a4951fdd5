"""Leases, fences and queues: who may carry an operation on, and that a late worker writes nothing."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from pks_portal.errors import Conflict, Invalid, Unavailable
from pks_portal.messages import say
from pks_portal.operations import pausing, runner
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import KINDS, Kind, Turn
from pks_portal.operations.models import Operation
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def begin(monkeypatch):
    """Return a function that starts an operation of a kind whose turns the test writes."""

    def begin(turn=lambda operation: Turn(done=True), *, subject=None, kind="test.do", **more):
        monkeypatch.setitem(KINDS, kind, Kind(turn=turn, **more))
        member = MembershipFactory.create()
        new = operations.NewOperation(
            kind=kind, subject_type="thing", subject_id=subject or uuid4(), subject_name="x", steps=[("a", 1), ("b", 3)]
        )
        return operations.start(new, tenant=member.tenant, actor=member.user)

    return begin


def test_only_one_worker_gets_it(begin):
    operation = begin()
    assert operations.claim(operation.pk) is not None
    assert operations.claim(operation.pk) is None


def test_a_dead_workers_operation_is_due_again_after_its_lease(begin):
    operation = begin()
    operations.claim(operation.pk)
    assert not operations.due().exists()
    with time_machine.travel(timezone.now() + operations.LEASE + timedelta(seconds=1)):
        assert operations.due().get().pk == operation.pk
        assert (taken := operations.claim(operation.pk)) is not None
        assert taken.fence == 2


def test_a_worker_that_comes_back_late_writes_nothing(begin):
    operation = begin()
    late = operations.claim(operation.pk)
    assert late is not None
    with time_machine.travel(timezone.now() + operations.LEASE + timedelta(seconds=1)):
        operations.claim(operation.pk)
    before = Operation.objects.get().last_seq
    assert not operations.renew(late)
    for write in (
        lambda: operations.append(late, "event.succeeded"),
        lambda: operations.advance_steps(late, {"a": 1.0}),
        lambda: pausing.wait(late, say("event.queued", actor="x"), seconds=1),
        lambda: operations.end(late, Operation.Status.SUCCEEDED),
    ):
        with pytest.raises(operations.Fenced):
            write()
    assert Operation.objects.get().last_seq == before


def test_a_turn_that_loses_its_lease_ends_without_a_word(begin):
    def turn(operation):
        Operation.objects.filter(pk=operation.pk).update(fence=99)
        return Turn(done=True)

    operation = begin(turn)
    assert runner.run(str(operation.pk)) is None
    assert Operation.objects.get().status == "running"


def test_an_outage_is_tried_again_with_attempt_and_time(begin):
    calls = []

    def turn(operation):
        calls.append(1)
        if len(calls) < 3:
            raise Unavailable("error.bug", kind="outage", system="etcd")
        return Turn(done=True)

    operation = begin(turn, attempts=5)
    for _ in range(3):
        with time_machine.travel(timezone.now() + timedelta(seconds=30 * len(calls) + 1)):
            runner.run(str(operation.pk))
    operation = Operation.objects.get()
    assert operation.status == "succeeded"
    retries = operation.events.filter(key="event.retry")
    assert [(event.args["attempt"], event.args["allowed"]) for event in retries] == [(1, 5), (2, 5)]


def test_an_outage_that_lasts_fails_with_the_system_named(begin):
    def turn(operation):
        raise Unavailable("error.bug", kind="outage", system="etcd")

    operation = begin(turn, attempts=2)
    for hours in range(4):
        with time_machine.travel(timezone.now() + timedelta(hours=hours)):
            runner.run(str(operation.pk))
    operation = Operation.objects.get()
    assert (operation.status, operation.error_system) == ("failed", "etcd")
    assert "outage" in operation.error


def test_what_never_will_fails_at_once(begin):
    def turn(operation):
        raise Invalid("error.plan_unknown", plan="x")

    begin(turn)
    runner.run(str(Operation.objects.get().pk))
    assert Operation.objects.get().status == "failed"


def test_a_bug_is_tried_again_and_then_given_up(begin):
    def turn(operation):
        raise KeyError("oh")

    operation = begin(turn, attempts=1)
    for hours in range(3):
        with time_machine.travel(timezone.now() + timedelta(hours=hours)):
            runner.run(str(operation.pk))
    operation = Operation.objects.get()
    assert (operation.status, operation.error_key) == ("failed", "error.bug")


def test_a_second_change_is_refused_with_a_link(begin):
    operation = begin()
    with pytest.raises(Conflict) as refusal:
        begin(subject=operation.subject_id)
    assert refusal.value.link == f"/tasks/{operation.pk}"


def test_a_delete_waits_behind_what_it_cancelled(begin):
    operation = begin(lambda operation: Turn(again=5))
    runner.run(str(operation.pk))
    deleting = begin(subject=operation.subject_id, kind="test.delete")
    assert Operation.objects.get(pk=operation.pk).status == "cancelling"
    assert operations.claim(deleting.pk) is None
    with time_machine.travel(timezone.now() + timedelta(seconds=20)):
        runner.run(str(operation.pk))
        assert Operation.objects.get(pk=operation.pk).status == "cancelled"
        assert operations.claim(deleting.pk) is not None


def test_waiting_says_for_what_once_and_goes_on(begin):
    turns = []

    def turn(operation):
        turns.append(1)
        if len(turns) < 3:
            pausing.wait(operation, say("event.queued", actor="the build"), seconds=3)
            return Turn(again=3)
        pausing.resumed(operation)
        return Turn(done=True)

    operation = begin(turn)
    for number in range(3):
        with time_machine.travel(timezone.now() + timedelta(seconds=30 * number)):
            runner.run(str(operation.pk))
            if number < 2:
                waiting = Operation.objects.get()
                assert (waiting.status, waiting.waiting_for) == ("waiting", "Asked for by the build.")
    operation = Operation.objects.get()
    assert operation.status == "succeeded"
    assert operation.events.filter(key="event.queued", args__actor="the build").count() == 1


def test_numbers_have_no_gaps_and_steps_start_in_order(begin):
    shares = iter([{"a": 0.5, "b": 1.0}, {"a": 1.0, "b": 1.0}])

    def turn(operation):
        if (share := next(shares, None)) is None:
            return Turn(done=True)
        operations.advance_steps(operation, share)
        return Turn(again=0)

    operation = begin(turn)
    runner.run(str(operation.pk))
    events = list(operation.events.values_list("seq", "key", "step"))
    assert [seq for seq, _, _ in events] == list(range(1, len(events) + 1))
    steps = [(key.removeprefix("event.step_"), step) for _, key, step in events if step]
    assert steps == [("started", "a"), ("done", "a"), ("started", "b"), ("done", "b")]
