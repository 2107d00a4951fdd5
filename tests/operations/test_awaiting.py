"""A cluster that waits for the platform's task names it, and who waits may look at it: no more, and nobody else."""

import pytest

from clusters import preparing
from clusters.engines.base import Observed
from clusters.engines.simulated import SimulatedEngine
from pks_portal.messages import Said
from pks_portal.operations import runner
from pks_portal.operations.models import Operation
from tests.clusters.test_job import wish_of
from tests.factories import MembershipFactory
from tests.permissions.people import browser_of
from tests.tools import client_of


@pytest.fixture
def building(operator, api, monkeypatch, tmp_path):
    """Return (the platform's task, a cluster's task that has been seen to wait for it)."""
    monkeypatch.setenv("PKS_CACHE_DIR", str(tmp_path / "cache"))
    build = preparing.ensure("1.37.2")
    assert build is not None
    seen = Observed(exists=False, waiting=Said("event.queued", {"actor": "the build"}))
    monkeypatch.setattr(SimulatedEngine, "observe", lambda *_: seen)
    waiting = api.post("/api/v1/clusters", wish_of(operator), format="json").json()["task"]["id"]
    runner.run(waiting)
    return build, Operation.objects.get(pk=waiting)


@pytest.mark.django_db(transaction=True)
def test_who_waits_may_look_and_no_more(building, operator, api):
    build, waiting = building
    assert (waiting.status, waiting.waits_for) == ("waiting", build)
    assert api.get(f"/api/v1/tasks/{waiting.pk}").json()["waits_for"] == str(build.pk)
    page = browser_of(operator.user)
    assert f'href="/tasks/{build.pk}"' in page.get(f"/tasks/{waiting.pk}").content.decode()
    for path in (f"/tasks/{build.pk}", f"/tasks/{build.pk}/log", f"/tasks/rows?id={build.pk}"):
        answer = page.get(path)
        assert answer.status_code == 200
        assert "1.37.2" in answer.content.decode()
    assert api.get(f"/api/v1/tasks/{build.pk}").status_code == 200
    for deed in ("cancel", "retry", "force"):
        assert page.post(f"/tasks/{build.pk}/{deed}").status_code == 403
        assert api.post(f"/api/v1/tasks/{build.pk}/{deed}").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_everybody_else_does_not_see_it(building, operator):
    build, _ = building
    other = preparing.ensure("1.36.3")
    assert other is not None
    stranger = MembershipFactory.create().user
    assert browser_of(stranger).get(f"/tasks/{build.pk}").status_code == 404
    assert client_of(stranger).get(f"/api/v1/tasks/{build.pk}").status_code == 404
    assert str(build.pk) not in client_of(stranger).get("/api/v1/tasks").content.decode()
    assert browser_of(operator.user).get(f"/tasks/{other.pk}").status_code == 404, "only what one waits for"


@pytest.mark.django_db(transaction=True)
def test_what_one_has_waited_for_stays_in_sight(building, operator):
    """The page of the build must not vanish under the reader in the moment in which it ends."""
    build, waiting = building
    Operation.objects.filter(pk=waiting.pk).update(status="running", waiting_key="")
    assert browser_of(operator.user).get(f"/tasks/{build.pk}").status_code == 200
