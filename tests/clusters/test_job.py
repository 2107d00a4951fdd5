"""The main job over REST on the simulated engine: create, scale, delete, and every refusal that leaves nothing."""

import pytest

from clusters.models import Cluster, StateInterval
from pks_portal.operations.models import Operation
from tenants.models import AuditEntry, Reservation, Role
from tests.factories import ClusterFactory, MembershipFactory, PlatformGrantFactory
from tests.tools import client_of

WISH = {"name": "pay-dev", "plan": "small", "nodes": 3, "version": "1.37.2"}


def wish_of(operator, **changes):
    return {"tenant": operator.tenant.slug, **WISH, **changes}


def test_create_scale_delete(api, operator, work):
    response = api.post("/api/v1/clusters", wish_of(operator), format="json")
    assert response.status_code == 202, response.json()
    task = response.json()["task"]
    assert response["Location"] == f"/api/v1/tasks/{task['id']}"
    work()
    cluster = api.get(f"/api/v1/clusters/{response.json()['cluster']['id']}").json()
    assert (cluster["status"], cluster["nodes_ready"], len(cluster["nodes"])) == ("running", 3, 3)
    assert cluster["task"] is None

    response = api.patch(f"/api/v1/clusters/{cluster['id']}", {"nodes": 6}, format="json")
    assert response.status_code == 202, response.json()
    work()
    cluster = api.get(f"/api/v1/clusters/{cluster['id']}").json()
    assert (cluster["status"], cluster["nodes_ready"]) == ("running", 6)
    assert dict(Reservation.objects.values_list("kind", "amount")) == {
        "clusters": 1, "nodes": 6, "vcpu": 12, "memory_gib": 24,
    }  # fmt: skip

    response = api.delete(f"/api/v1/clusters/{cluster['id']}")
    assert response.status_code == 202
    work()
    assert api.get(f"/api/v1/clusters/{cluster['id']}").status_code == 404
    assert not Cluster.objects.exists()
    assert not Reservation.objects.exists()
    assert not StateInterval.objects.filter(ended_at=None).exists()
    kinds = set(Operation.objects.values_list("kind", "status"))
    assert kinds == {(f"cluster.{verb}", "succeeded") for verb in ("create", "scale", "delete")}
    deeds = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"cluster.create", "cluster.scale", "cluster.delete"} <= deeds


def test_events_are_numbered_without_gaps_and_name_every_step(api, operator, work):
    task = api.post("/api/v1/clusters", wish_of(operator), format="json").json()["task"]
    work()
    events = api.get(f"/api/v1/tasks/{task['id']}/events").json()
    assert [event["seq"] for event in events["items"]] == list(range(1, len(events["items"]) + 1))
    assert events["status"] == "succeeded"
    detail = api.get(f"/api/v1/tasks/{task['id']}").json()
    assert detail["progress"] == 100
    assert {step["state"] for step in detail["steps"]} == {"done"}
    started = [event["step"] for event in events["items"] if event["key"] == "event.step_started"]
    assert started == [step["name"] for step in detail["steps"]]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"name": "Pay_Dev"}, "name", "invalid"),
        ({"name": "-pay"}, "name", "invalid"),
        ({"name": "a" * 64}, "name", "invalid"),
        ({"name": ""}, "name", "invalid"),
        ({"plan": "huge"}, "plan", "plan-unknown"),
        ({"version": "1.12.0"}, "version", "version-unknown"),
        ({"nodes": 0}, "nodes", "nodes-bounds"),
        ({"nodes": 10_000}, "nodes", "nodes-bounds"),
        ({"nodes": "many"}, "nodes", "invalid"),
        ({"cloud": "mars"}, "cloud", "cloud-unknown"),
        ({"tenant": "nobody"}, "tenant", "tenant-unknown"),
        ({"labels": {"a" * 64: "x"}}, "labels", "label-wrong"),
    ],
)
def test_bad_input_names_its_field_and_leaves_nothing(api, operator, changes, field, code):
    response = api.post("/api/v1/clusters", wish_of(operator, **changes), format="json")
    assert response.status_code == 400, response.json()
    problem = response.json()
    assert response["Content-Type"] == "application/problem+json"
    assert (problem["field"], problem["code"]) == (field, code)
    assert field in problem["errors"]
    assert_nothing_left()


def assert_nothing_left():
    assert not Cluster.objects.exists()
    assert not Operation.objects.exists()
    assert not Reservation.objects.exists()
    assert not StateInterval.objects.exists()


def test_a_taken_name_is_refused(api, operator):
    ClusterFactory.create(tenant=operator.tenant, name="pay-dev")
    response = api.post("/api/v1/clusters", wish_of(operator), format="json")
    assert response.status_code == 400
    assert "already" in response.json()["errors"]["__all__"][0]
    assert not Operation.objects.exists()


def test_stops_at_the_quota_with_the_figures(api, operator):
    for number in range(4):
        response = api.post("/api/v1/clusters", wish_of(operator, name=f"c{number}", nodes=1), format="json")
        assert response.status_code == 202
    response = api.post("/api/v1/clusters", wish_of(operator, name="c4", nodes=1), format="json")
    assert response.status_code == 409
    problem = response.json()
    assert (problem["code"], problem["limit"], problem["used"], problem["adds"]) == ("quota-exceeded", 4, 4, 1)
    assert Cluster.objects.count() == 4


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.DEVELOPER, 403), (Role.ADMIN, 202)])
def test_needs_a_role_that_may(operator, role, status):
    member = MembershipFactory.create(tenant=operator.tenant, role=role)
    response = client_of(member.user).post("/api/v1/clusters", wish_of(operator), format="json")
    assert response.status_code == status
    assert Cluster.objects.exists() is (status == 202)


def test_another_tenants_cluster_is_not_there(operator):
    cluster = ClusterFactory.create(tenant=operator.tenant)
    stranger = client_of(MembershipFactory.create().user)
    address = f"/api/v1/clusters/{cluster.pk}"
    assert stranger.get(address).status_code == 404
    assert stranger.patch(address, {"nodes": 5}, format="json").status_code == 404
    assert stranger.delete(address).status_code == 404
    assert stranger.post(f"{address}/kubeconfigs", {"level": "view"}, format="json").status_code == 404
    assert stranger.get("/api/v1/clusters").json()["items"] == []
    assert not Operation.objects.exists()


def test_a_platform_administrator_sees_all_but_gets_no_kubeconfig(operator):
    cluster = ClusterFactory.create(tenant=operator.tenant, endpoint="https://127.0.0.1:6443")
    admin = client_of(PlatformGrantFactory.create().user)
    assert admin.get(f"/api/v1/clusters/{cluster.pk}").status_code == 200
    answer = admin.post(f"/api/v1/clusters/{cluster.pk}/kubeconfigs", {"level": "admin"}, format="json")
    assert answer.status_code == 403


def test_a_stranger_gets_401(db):
    assert client_of(None).get("/api/v1/clusters").status_code == 401


def test_the_same_key_returns_the_same_task(api, operator):
    first = api.post("/api/v1/clusters", wish_of(operator), format="json", headers={"Idempotency-Key": "k1"})
    again = api.post("/api/v1/clusters", wish_of(operator), format="json", headers={"Idempotency-Key": "k1"})
    assert first.status_code == again.status_code == 202
    assert first.json()["task"]["id"] == again.json()["task"]["id"]
    assert Cluster.objects.count() == 1


def test_a_busy_cluster_is_409_with_a_link(api, operator):
    made = api.post("/api/v1/clusters", wish_of(operator), format="json").json()
    answer = api.patch(f"/api/v1/clusters/{made['cluster']['id']}", {"nodes": 5}, format="json")
    assert answer.status_code == 409
    assert answer.json()["link"] == f"/tasks/{made['task']['id']}"


def test_delete_while_creating_cancels_and_queues_behind(api, operator, work):
    made = api.post("/api/v1/clusters", wish_of(operator), format="json").json()
    answer = api.delete(f"/api/v1/clusters/{made['cluster']['id']}")
    assert answer.status_code == 202
    twice = api.delete(f"/api/v1/clusters/{made['cluster']['id']}")
    assert twice.status_code == 409
    scaled = api.patch(f"/api/v1/clusters/{made['cluster']['id']}", {"nodes": 5}, format="json")
    assert scaled.status_code == 409
    work()
    assert dict(Operation.objects.values_list("kind", "status")) == {
        "cluster.create": "cancelled",
        "cluster.delete": "succeeded",
    }
    assert not Cluster.objects.exists()


def test_a_dry_run_says_what_would_be_and_does_nothing(api, operator):
    answer = api.post("/api/v1/clusters?dry_run=true", wish_of(operator, nodes=9), format="json")
    assert answer.status_code == 200
    body = answer.json()
    assert [step["name"] for step in body["steps"]]
    nodes = next(line for line in body["quota"] if line["kind"] == "nodes")
    assert (nodes["used"], nodes["after"], nodes["limit"], nodes["over"]) == (0, 9, 20, False)
    assert body["seconds"] is None  # no history yet: no estimate is made up
    assert_nothing_left()


def test_a_queued_task_can_be_cancelled(api, operator, work):
    made = api.post("/api/v1/clusters", wish_of(operator), format="json").json()
    assert api.post(f"/api/v1/tasks/{made['task']['id']}/cancel").status_code == 202
    work()
    assert Operation.objects.get().status == "cancelled"
    assert Cluster.objects.get().status == "failed"
    assert api.post(f"/api/v1/tasks/{made['task']['id']}/cancel").status_code == 409


def running(api, operator, work, nodes=3):
    made = api.post("/api/v1/clusters", wish_of(operator, nodes=nodes), format="json").json()
    work()
    return made["cluster"]["id"]


def reserved(kind="nodes"):
    return Reservation.objects.get(kind=kind).amount


def test_a_scale_down_gives_quota_back_when_the_nodes_have_gone(api, operator, work):
    cluster = running(api, operator, work, nodes=5)
    api.patch(f"/api/v1/clusters/{cluster}", {"nodes": 2}, format="json")
    assert reserved() == 5
    work()
    assert reserved() == 2


@pytest.mark.parametrize("nodes", [2, 6])
def test_a_cancelled_scale_goes_back_to_the_size_before(api, operator, work, nodes):
    cluster = running(api, operator, work, nodes=4)
    task = api.patch(f"/api/v1/clusters/{cluster}", {"nodes": nodes}, format="json").json()["task"]
    assert api.post(f"/api/v1/tasks/{task['id']}/cancel").status_code == 202
    work()
    seen = api.get(f"/api/v1/clusters/{cluster}").json()
    assert (seen["status"], seen["nodes_wanted"], seen["nodes_ready"], reserved()) == ("running", 4, 4, 4)
    assert list(Operation.objects.filter(kind="cluster.scale").order_by("created_at").values_list("status")) == [
        ("cancelled",),
        ("succeeded",),
    ]


def test_a_delete_behind_a_scale_does_not_scale_back(api, operator, work):
    cluster = running(api, operator, work, nodes=4)
    api.patch(f"/api/v1/clusters/{cluster}", {"nodes": 6}, format="json")
    assert api.delete(f"/api/v1/clusters/{cluster}").status_code == 202
    work()
    assert not Cluster.objects.exists()
    assert Operation.objects.filter(kind="cluster.scale").count() == 1
    assert not Reservation.objects.exists()


def test_a_delete_has_no_dry_run_and_says_so_instead_of_deleting(api, operator):
    cluster = ClusterFactory.create(tenant=operator.tenant)
    answer = api.delete(f"/api/v1/clusters/{cluster.pk}?dry_run=true")
    assert (answer.status_code, answer.json()["field"]) == (400, "dry_run")
    assert not Operation.objects.exists()
