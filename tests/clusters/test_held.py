"""A wish over the quota: held, decided on, begun by itself as large as was granted, and never twice."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from clusters import held, services, starting
from clusters.models import Cluster
from pks_portal.errors import QuotaExceeded
from pks_portal.operations import commands
from pks_portal.operations.models import Operation
from tenants import quotas, requests
from tenants.models import Membership, Notice, QuotaLimit, QuotaRequest, Reservation
from tests.factories import ClusterFactory, PlatformGrantFactory

pytestmark = pytest.mark.django_db(transaction=True)
Work = Callable[[], None]
BODY = {"name": "big", "plan": "small", "nodes": 8, "version": "1.37.2"}


@pytest.fixture
def boss() -> Any:
    return PlatformGrantFactory.create().user


@pytest.fixture
def small(operator: Any) -> Any:
    """The operator's tenant may have 5 nodes."""
    QuotaLimit.objects.filter(tenant=operator.tenant, kind="nodes").update(limit=5)
    return operator.tenant


def ask(api: APIClient, tenant: Any, **more: Any) -> tuple[Operation, QuotaRequest, Any]:
    """Ask for the big cluster and return task, request and answer."""
    answer = api.post("/api/v1/clusters?request=true", {"tenant": tenant.slug, **BODY, **more}, format="json")
    assert answer.status_code == 202, answer.content
    task = Operation.objects.get(pk=answer.json()["task"]["id"])
    return task, QuotaRequest.objects.get(wish=task.pk), answer


def limit(tenant: Any, kind: str = "nodes") -> Any:
    return quotas.limits_of(tenant)[kind]


def test_the_held_wish_builds_once_it_is_approved(api: APIClient, small: Any, boss: Any, work: Work) -> None:
    refused = api.post("/api/v1/clusters", {"tenant": small.slug, **BODY}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "quota-exceeded")
    assert refused.json()["exceeded"] == [{"resource": "nodes", "limit": 5, "used": 0, "adds": 8, "lacks": 3}]
    task, request, answer = ask(api, small, request={"reason": "launch"})
    body = answer.json()
    assert answer["Location"] == f"/api/v1/tasks/{task.pk}"
    assert (body["task"]["status"], body["cluster"], body["request"]["id"]) == ("held", None, str(request.pk))
    assert body["request"]["amounts"] == [{"kind": "nodes", "asked": 3, "granted": None}]
    assert body["request"]["wish"]["title"] == "Create cluster big"
    assert (Cluster.objects.count(), Reservation.objects.count()) == (0, 0)
    starting.settle(task.pk)
    assert Operation.objects.get().status == "held"
    requests.approve(boss, request, {"nodes": 3})
    starting.sweep_held()
    task.refresh_from_db()
    assert (task.status, task.wanted["nodes"]) == ("queued", 8)
    work()
    cluster = Cluster.objects.get()
    task.refresh_from_db()
    assert (task.status, cluster.pk, cluster.status, cluster.nodes) == ("succeeded", task.subject_id, "running", 8)
    keys = list(task.events.values_list("key", flat=True))
    assert keys[:2] == ["event.held", "held.started"]


def test_a_part_builds_a_smaller_cluster(api: APIClient, small: Any, boss: Any, work: Work) -> None:
    task, request, _ = ask(api, small, request={"least": 6})
    assert requests.fitting(request, {"nodes": 1}) == 6
    assert requests.fitting(request, {}) is None
    assert requests.enough_for(request, 7) == {"nodes": 2}
    requests.approve(boss, request, {"nodes": 2})
    starting.settle(task.pk)
    work()
    task.refresh_from_db()
    assert (Cluster.objects.get().nodes, task.wanted["nodes"], task.wanted["asked"]) == (7, 7, 8)
    assert task.events.filter(key="held.cut").exists()


def test_too_small_a_part_stays_held_until_there_is_room(
    api: APIClient, small: Any, boss: Any, work: Work, operator: Any
) -> None:
    busy = ClusterFactory.create(tenant=small, nodes=2)
    with transaction.atomic():
        quotas.reserve(small, busy.pk, {"nodes": 2})
    task, request, _ = ask(api, small, request={"least": 8})
    requests.approve(boss, request, {"nodes": 3})
    starting.settle(task.pk)
    task.refresh_from_db()
    assert (task.status, task.waiting_key) == ("held", "held.short")
    seq = task.last_seq
    starting.settle(task.pk)
    task.refresh_from_db()
    assert task.last_seq == seq  # said once
    services.delete_cluster(operator.user, busy)
    work()
    with time_machine.travel(timezone.now() + timedelta(seconds=10)):
        starting.sweep_held()
    assert Cluster.objects.get(pk=task.subject_id).nodes == 8


def test_rejected_withdrawn_and_cancelled_wishes_end(api: APIClient, small: Any, boss: Any, operator: Any) -> None:
    task, request, _ = ask(api, small)
    requests.reject(boss, request, "too large")
    starting.settle(task.pk)
    task.refresh_from_db()
    assert (task.status, task.error) == ("failed", f"The quota request was rejected by {boss.username}: too large")
    task, request, _ = ask(api, small)
    requests.withdraw(operator.user, request)
    starting.settle(task.pk)
    task.refresh_from_db()
    assert task.status == "cancelled"
    task, request, _ = ask(api, small)
    commands.cancel(operator.user, task)
    request.refresh_from_db()
    assert (request.status, request.decided_by, task.status) == ("withdrawn", operator.user, "cancelled")
    assert not Cluster.objects.exists()


def test_what_is_no_longer_possible_fails_and_says_so(api: APIClient, small: Any, boss: Any, operator: Any) -> None:
    def approved() -> Operation:
        task, request, _ = ask(api, small)
        requests.approve(boss, request, {"nodes": 3})
        return task

    def settled(task: Operation) -> Operation:
        starting.settle(task.pk)
        task.refresh_from_db()
        assert task.status == "failed"
        return task

    first = approved()
    taken = ClusterFactory.create(tenant=small, name="big")
    assert settled(first).error_key == "error.wish_invalid"
    assert Notice.objects.filter(user=operator.user, kind="wish.failed").count() == 1
    taken.delete()
    QuotaLimit.objects.filter(tenant=small, kind="nodes").update(limit=5 - 3)
    second = approved()
    Membership.objects.filter(user=operator.user).update(role="viewer")
    assert settled(second).error_key == "error.forbidden"
    assert not Cluster.objects.exists()


def test_a_grant_that_ended_before_the_wish_fitted_fails_it(api: APIClient, small: Any, boss: Any) -> None:
    task, request, _ = ask(api, small)
    requests.approve(boss, request, {"nodes": 3}, expires_at=timezone.now() + timedelta(days=1))
    QuotaLimit.objects.filter(tenant=small, kind="nodes").update(limit=0)
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        starting.settle(task.pk)
    task.refresh_from_db()
    assert (task.status, task.error_key) == ("failed", "error.grant_ended")


def scaled_over(api: APIClient, cluster: Cluster, nodes: int = 8, **asking: Any) -> tuple[Operation, QuotaRequest]:
    body = {"nodes": nodes, "request": asking}
    answer = api.patch(f"/api/v1/clusters/{cluster.pk}?request=true", body, format="json")
    assert answer.status_code == 202, answer.content
    assert answer.json()["cluster"]["id"] == str(cluster.pk)
    task = Operation.objects.get(pk=answer.json()["task"]["id"])
    return task, QuotaRequest.objects.get(wish=task.pk)


@pytest.fixture
def running(api: APIClient, small: Any, work: Work) -> Cluster:
    """A cluster of four of the five nodes."""
    made = api.post("/api/v1/clusters", {"tenant": small.slug, **BODY, "nodes": 4}, format="json")
    work()
    return Cluster.objects.get(pk=made.json()["cluster"]["id"])


def test_a_held_scale_begins_in_part(api: APIClient, running: Cluster, boss: Any, work: Work) -> None:
    task, request = scaled_over(api, running)
    assert [(line.kind, line.asked) for line in request.lines.all()] == [("nodes", 3)]
    assert request.size["least"] == 5
    requests.approve(boss, request, {"nodes": 1})
    starting.settle(task.pk)
    work()
    running.refresh_from_db()
    task.refresh_from_db()
    assert (running.nodes, task.status, running.status) == (6, "succeeded", "running")


def test_a_held_scale_waits_for_a_busy_cluster(
    api: APIClient, running: Cluster, boss: Any, work: Work, operator: Any
) -> None:
    task, request = scaled_over(api, running)
    services.scale_cluster(operator.user, running, 2)
    requests.approve(boss, request, {"nodes": 3})
    starting.settle(task.pk)
    task.refresh_from_db()
    assert (task.status, task.waiting_key) == ("held", "held.busy")
    work()
    starting.settle(task.pk)
    work()
    assert Cluster.objects.get().nodes == 8


def test_deleting_a_cluster_lapses_what_is_held_for_it(
    api: APIClient, running: Cluster, work: Work, operator: Any
) -> None:
    task, request = scaled_over(api, running)
    services.delete_cluster(operator.user, running)
    task.refresh_from_db()
    request.refresh_from_db()
    assert (task.status, request.status) == ("cancelled", "lapsed")
    work()
    assert not Reservation.objects.exists()


def test_a_scale_that_another_made_needless_fails(api: APIClient, running: Cluster, boss: Any, operator: Any) -> None:
    task, request = scaled_over(api, running)
    requests.approve(boss, request, {"nodes": 3})
    running.pools.update(nodes=9)
    starting.settle(task.pk)
    task.refresh_from_db()
    assert task.error_key == "error.same_size"


def test_within_the_quota_no_request_is_made(api: APIClient, small: Any, operator: Any) -> None:
    answer = api.post("/api/v1/clusters?request=true", {"tenant": small.slug, **BODY, "nodes": 5}, format="json")
    assert (answer.status_code, answer.json()["request"]) == (202, None)
    assert answer.json()["cluster"]["status"] == "creating"
    wrong = {"tenant": small.slug, **BODY, "name": "b", "request": {"least": 9}}
    assert api.post("/api/v1/clusters?request=true", wrong, format="json").json()["field"] == "least"


def test_the_same_key_asks_once(api: APIClient, small: Any, operator: Any) -> None:
    wish = services.wishes.NewCluster(
        name="big", plan=services.wishes.Plan.objects.get(), nodes=8, version="1.37.2",
        cloud=services.wishes.Cloud.objects.get(),
    )  # fmt: skip
    made = [held.create_cluster(operator.user, small, wish, held.Asking(), request_key="k") for _ in range(2)]
    assert made[0][0].pk == made[1][0].pk
    assert QuotaRequest.objects.count() == 1
    with pytest.raises(QuotaExceeded):
        services.create_cluster(operator.user, small, wish)


def test_racing_workers_begin_it_once(api: APIClient, small: Any, boss: Any) -> None:
    task, request, _ = ask(api, small)
    requests.approve(boss, request, {"nodes": 3})
    failures: list[BaseException] = []

    def settle() -> None:
        try:
            starting.settle(task.pk)
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=settle) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    assert Cluster.objects.count() == 1
    assert task.events.filter(key="held.started").count() == 1
    assert Reservation.objects.get(kind="nodes").amount == 8


def test_a_worker_that_dies_before_its_commit_leaves_it_held(
    api: APIClient, small: Any, boss: Any, monkeypatch: pytest.MonkeyPatch, work: Work
) -> None:
    task, request, _ = ask(api, small)
    requests.approve(boss, request, {"nodes": 3})

    def die(*_args: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(services, "submit", die)
        with pytest.raises(SystemExit):
            starting.settle(task.pk)
    assert (Cluster.objects.count(), Reservation.objects.count()) == (0, 0)
    starting.sweep_held()
    work()
    assert Cluster.objects.get().status == "running"


def test_a_wish_that_fails_stops_no_other(api: APIClient, small: Any, boss: Any, monkeypatch: Any) -> None:
    asked = [ask(api, small, name=name)[1] for name in ("one", "two")]
    for request in asked:
        requests.approve(boss, request, {"nodes": 3})
    settle = Mock(side_effect=RuntimeError)
    monkeypatch.setattr(starting, "settle", settle)
    starting.sweep_held()
    assert settle.call_count == 2
