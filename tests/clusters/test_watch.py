"""What the watch notices: outages and restarts, also those that were over before it looked."""

from datetime import UTC, datetime, timedelta

import pytest

from clusters import fleet, tasks
from clusters.engines.base import Condition, Observed
from clusters.models import Cluster, StateInterval
from pks_portal.errors import Unavailable
from pks_portal.messages import say
from tenants.models import AuditEntry
from tests.factories import ClusterFactory

pytestmark = pytest.mark.django_db
EARLY = datetime(2026, 11, 22, 10, tzinfo=UTC)
LATE = EARLY + timedelta(minutes=5)


@pytest.fixture
def look(monkeypatch):
    """Return a function that shows the watch one condition of the cluster "etcd"."""
    cluster = ClusterFactory.create()

    def look(*, ok, since):
        condition = Condition(name="etcd", ok=ok, said=say("event.succeeded"), since=since)
        seen = Observed(exists=True, settled=ok, healthy=ok, conditions=[condition])
        engine = type("Engine", (), {"observe": lambda self, wanted: seen})()
        monkeypatch.setattr(fleet, "engine_of", lambda cloud: engine)
        tasks.look(Cluster.objects.get(pk=cluster.pk))
        return Cluster.objects.get(pk=cluster.pk)

    return look


def restarts():
    return list(AuditEntry.objects.filter(action="cluster.restarted").values_list("facts__parts", flat=True))


def test_an_outage_turns_the_status_and_back(look):
    assert look(ok=False, since=None).status == "degraded"
    assert look(ok=True, since=EARLY).status == "running"
    assert list(StateInterval.objects.values_list("status", flat=True)) == ["degraded", "running"]


@pytest.mark.parametrize("seen_down", [False, True])
def test_a_restart_is_on_record_whether_or_not_it_was_seen_down(look, seen_down):
    look(ok=True, since=EARLY)
    if seen_down:
        look(ok=False, since=None)
    look(ok=True, since=LATE)
    look(ok=True, since=LATE)
    assert restarts() == [["etcd"]]


def test_an_engine_that_does_not_answer_degrades_and_does_not_end_the_watch(look, monkeypatch):
    look(ok=True, since=EARLY)

    def observe(self, wanted):
        raise Unavailable("error.bug", kind="silence")

    monkeypatch.setattr(fleet, "engine_of", lambda cloud: type("Engine", (), {"observe": observe})())
    tasks.watch_cloud(Cluster.objects.get().cloud_id)
    cluster = Cluster.objects.get()
    assert cluster.status == "degraded"
    assert cluster.conditions[0]["ok"] is False
