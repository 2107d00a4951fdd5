"""The task that has clusters of an older release trust the portal; tests/real/test_issuer.py does it to a real one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from clusters import fleet, following, rights, trusting
from clusters.engines.simulated import SimulatedEngine
from clusters.models import Cluster
from pks_portal.errors import Conflict, Forbidden, Invalid
from pks_portal.operations.models import Operation
from tenants.issuer import signing
from tests.factories import ClusterFactory, MembershipFactory, UserFactory


@pytest.fixture
def older(operator: Any, settings: Settings, tmp_path: Path) -> Cluster:
    """Return a running cluster that was made before the portal was an issuer, which it is now."""
    authority = tmp_path / "ca.pem"
    authority.write_text("the portal's authority")
    settings.ISSUER_CA_FILE = str(authority)
    signing.ensure()
    return ClusterFactory.create(tenant=operator.tenant, followed=following.BEFORE)


@pytest.fixture
def with_api(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Give the simulated engine an API; `name` and `follow` say how it answers."""
    answers: dict[str, Any] = {"name": lambda: "pks:portal", "follow": lambda: True, "asked": []}
    capable = SimulatedEngine.capabilities

    def identify(_self: Any, _wanted: Any, token: str) -> str | None:
        answers["asked"].append(token)
        name: str | None = answers["name"]()
        return name

    monkeypatch.setattr(SimulatedEngine, "capabilities", lambda self: replace(capable(self), credentials=True))
    monkeypatch.setattr(SimulatedEngine, "identify", identify)
    monkeypatch.setattr(SimulatedEngine, "follow", lambda _self, _wanted: answers["follow"]())
    return answers


def test_a_cluster_is_switched_over_once(older: Cluster, with_api: dict[str, Any], work: Any) -> None:
    unsure = iter([None, None, "pks:portal"])
    with_api["name"] = lambda: next(unsure)
    trusting.start_all()
    trusting.start_all()
    (task,) = Operation.objects.all()
    work()
    task.refresh_from_db()
    older.refresh_from_db()
    assert (task.kind, task.status) == ("cluster.trust", "succeeded")
    assert older.followed == rights.fingerprint(fleet.wanted_of(older))
    assert len(with_api["asked"]) == 3, "asked until it was believed"
    trusting.start_all()
    assert Operation.objects.count() == 1
    assert following.behind() == []


def test_a_busy_cluster_waits_for_the_next_call(older: Cluster, with_api: dict[str, Any], work: Any) -> None:
    trusting.start(older)
    with pytest.raises(Conflict):
        trusting.start(older)
    trusting.start_all()
    assert Operation.objects.count() == 1


@pytest.mark.parametrize("status", ["failed", "creating", "deleting"])
def test_what_cannot_be_reached_is_left_alone(older: Cluster, with_api: dict[str, Any], status: str) -> None:
    Cluster.objects.update(status=status)
    trusting.start_all()
    assert not Operation.objects.exists()
    older.refresh_from_db()
    assert older.followed == following.BEFORE


def test_one_that_failed_is_tried_anew(older: Cluster, with_api: dict[str, Any], operator: Any, work: Any) -> None:
    def never() -> bool:
        raise Invalid("engine.issuer_elsewhere", issuer="https://portal.example.com")

    with_api["follow"] = never
    task = trusting.start(older)
    work()
    task.refresh_from_db()
    assert task.status == "failed"
    with_api["follow"] = lambda: True
    with pytest.raises(Forbidden):
        trusting.retry(MembershipFactory.create(tenant=operator.tenant, role="viewer").user, task)
    again = trusting.retry(operator.user, task)
    work()
    again.refresh_from_db()
    assert again.status == "succeeded"
    Cluster.objects.all().delete()
    with pytest.raises(Conflict):
        trusting.retry(UserFactory.create(), task)


def test_without_an_api_there_is_nothing_to_trust(older: Cluster, work: Any) -> None:
    trusting.start_all()
    assert not Operation.objects.exists()
    assert following.behind() == [older], "the sweep finds it"
    following.follow_cluster(str(older.pk))
    older.refresh_from_db()
    assert older.followed == rights.fingerprint(fleet.wanted_of(older))
    task = trusting.start(older)
    work()
    task.refresh_from_db()
    assert task.status == "succeeded", "asked for all the same, it ends at once"
