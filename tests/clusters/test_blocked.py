"""A scale-down that may not go on: who is told what, and what a person may do about it."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from clusters.models import Cluster
from pks_portal.operations import runner
from pks_portal.operations.blocking import LONGEST_PAUSE, PATIENCE
from pks_portal.operations.models import Operation
from tenants.models import AuditEntry, Role
from tests.factories import CloudFactory, MembershipFactory
from tests.permissions.people import BACKEND
from tests.tools import client_of


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """Return the clock, which short waits move on instead of sleeping."""
    with time_machine.travel(timezone.now(), tick=True) as clock:
        monkeypatch.setattr(runner, "time", SimpleNamespace(sleep=clock.shift))
        yield clock


@pytest.fixture
def until(clock):
    """Return a function that gives a task its turns as they fall due until something is so."""

    def until(task, condition):
        for _ in range(200):
            if timezone.now() < task.due_at:
                clock.move_to(task.due_at + timedelta(milliseconds=1))
            runner.run(str(task.pk))
            task.refresh_from_db()
            if condition(task):
                return task
        raise AssertionError(f"never so: {task.status} {task.waiting_for}")

    return until


@pytest.fixture
def blocked(api, operator, until):
    """Return the task of a scale-down that two nodes' pods block, once it says so."""
    CloudFactory.create(slug="strict", kind="simulated", options={"pace": 0.02, "budget": True})
    wish = {"tenant": operator.tenant.slug, "name": "pay-dev", "plan": "small", "nodes": 3, "cloud": "strict"}
    made = api.post("/api/v1/clusters", wish, format="json").json()
    until(Operation.objects.get(pk=made["task"]["id"]), lambda task: task.status == "succeeded")
    answer = api.patch(f"/api/v1/clusters/{made['cluster']['id']}", {"nodes": 1}, format="json")
    return until(Operation.objects.get(pk=answer.json()["task"]["id"]), lambda task: task.blocked)


def test_it_says_what_blocks_since_when_and_when_it_tries_next(blocked, api):
    event = blocked.events.get(key="event.blocked")
    assert "pay-dev-default-3, pay-dev-default-2" in event.text
    assert f"{blocked.blocked_since:%Y-%m-%d %H:%M:%S} UTC" in event.text
    assert event.level == "warning"
    told = api.get(f"/api/v1/tasks/{blocked.pk}").json()
    assert told["blocked"] is True
    assert (told["status"], told["forced_by"]) == ("running", "")
    assert "pay-dev-default-3" in told["waiting_for"]


def test_after_a_while_it_waits_and_tries_less_often(blocked, until):
    until(blocked, lambda task: task.status == "waiting")
    assert timezone.now() - blocked.blocked_since > PATIENCE
    assert blocked.events.filter(key="event.blocked").count() == 2
    assert LONGEST_PAUSE - 2 < (blocked.due_at - timezone.now()).total_seconds() <= LONGEST_PAUSE


def test_forced_it_goes_on_and_everybody_can_read_who_did(blocked, until, api, operator):
    answer = api.post(f"/api/v1/tasks/{blocked.pk}/force")
    assert answer.status_code == 202, answer.json()
    assert (answer.json()["forced_by"], answer.json()["blocked"]) == (operator.user.username, False)
    until(blocked, lambda task: task.ended)
    assert (blocked.status, blocked.blocked_since) == ("succeeded", None)
    forced = blocked.events.get(key="event.forced")
    assert operator.user.username in forced.text
    assert "pay-dev-default-3" in forced.text
    (entry,) = AuditEntry.objects.filter(action="task.force")
    assert (entry.actor, entry.subject_id) == (operator.user, str(blocked.pk))
    assert "pay-dev-default-3" in str(entry.facts)
    again = api.post(f"/api/v1/tasks/{blocked.pk}/force")
    assert (again.status_code, again.json()["code"]) == (409, "not-blocked")


def test_it_is_forced_once(blocked, api):
    assert api.post(f"/api/v1/tasks/{blocked.pk}/force").status_code == 202
    assert api.post(f"/api/v1/tasks/{blocked.pk}/force").status_code == 409
    assert AuditEntry.objects.filter(action="task.force").count() == 1


def test_what_is_not_blocked_is_not_forced(api, operator):
    wish = {"tenant": operator.tenant.slug, "name": "pay-dev", "plan": "small", "nodes": 3, "cloud": "simulated"}
    task = api.post("/api/v1/clusters", wish, format="json").json()["task"]
    answer = api.post(f"/api/v1/tasks/{task['id']}/force")
    assert (answer.status_code, answer.json()["code"]) == (409, "not-blocked")
    assert not AuditEntry.objects.filter(action="task.force").exists()


def test_who_may_not_scale_may_not_force(blocked, operator):
    developer = MembershipFactory.create(tenant=operator.tenant, role=Role.DEVELOPER)
    stranger = MembershipFactory.create(role=Role.ADMIN)
    assert client_of(developer.user).post(f"/api/v1/tasks/{blocked.pk}/force").status_code == 403
    assert client_of(stranger.user).post(f"/api/v1/tasks/{blocked.pk}/force").status_code == 404
    blocked.refresh_from_db()
    assert blocked.blocked


def test_try_now_makes_the_next_try_due(blocked, until, api):
    until(blocked, lambda task: task.status == "waiting")
    assert blocked.due_at > timezone.now()
    answer = api.post(f"/api/v1/tasks/{blocked.pk}/retry")
    assert (answer.status_code, answer.json()["id"]) == (202, str(blocked.pk))
    blocked.refresh_from_db()
    assert blocked.due_at <= timezone.now()


def test_cancelled_it_goes_back_to_the_size_before(blocked, until, api):
    assert api.post(f"/api/v1/tasks/{blocked.pk}/cancel").status_code == 202
    assert api.post(f"/api/v1/tasks/{blocked.pk}/force").status_code == 409
    until(blocked, lambda task: task.status == "cancelled")
    back = Operation.objects.exclude(pk=blocked.pk).latest("created_at")
    until(back, lambda task: task.status == "succeeded")
    cluster = Cluster.objects.get()
    assert (cluster.status, cluster.nodes, cluster.nodes_ready) == ("running", 3, 3)


def test_a_force_that_comes_during_a_turn_is_not_put_off(blocked, api):
    """The worker read the task before the person forced it; its release must not make the next turn wait."""
    stale = Operation.objects.get(pk=blocked.pk)
    assert api.post(f"/api/v1/tasks/{blocked.pk}/force").status_code == 202
    runner.pausing.release(stale, 30.0)
    blocked.refresh_from_db()
    assert blocked.due_at <= timezone.now()


def test_the_page_names_the_pods_and_offers_the_choice_to_whom_it_is_given(blocked, operator):
    page = Client()
    page.force_login(operator.user, backend=BACKEND)
    html = page.get(f"/tasks/{blocked.pk}").content.decode()
    assert html.count("pay-dev-default-3, pay-dev-default-2") >= 2  # in the card and in the dialog
    assert f'action="/tasks/{blocked.pk}/force"' in html
    assert page.post(f"/tasks/{blocked.pk}/force").status_code == 302
    html = page.get(f"/tasks/{blocked.pk}").content.decode()
    assert 'command="show-modal" commandfor="force"' not in html

    reader = Client()
    reader.force_login(MembershipFactory.create(tenant=operator.tenant, role=Role.VIEWER).user, backend=BACKEND)
    assert reader.post(f"/tasks/{blocked.pk}/force").status_code == 403
