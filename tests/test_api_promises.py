"""What the API's page promises of every refusal, and what is known of a request that is sent twice."""

import json

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from clusters.forms import LabelsField
from clusters.models import Cluster, Kubeconfig
from pks_portal.operations.models import Operation
from pks_portal.schema import schema
from tests.clusters.test_job import wish_of
from tests.factories import ClusterFactory
from tests.tools import client_of

PROBLEM = "application/problem+json"
NOWHERE = "00000000-0000-4000-8000-000000000000"


def problem_of(answer, status, code):
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == PROBLEM
    problem = answer.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["detail"]
    assert problem["next"]
    return problem


@pytest.mark.parametrize("path", ["/api/v1/nope", "/api/nope", "/oauth/nope"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_an_unknown_path_is_said_in_json(db, path, language):
    problem = problem_of(Client(headers={"accept-language": language}).get(path), 404, "not-found")
    assert ("nothing here" in problem["detail"]) is (language == "en")


@pytest.mark.parametrize("path", ["/api/v1/me", "/oauth/token", "/sign-in/"])
@pytest.mark.parametrize(("language", "word"), [("en", "administrator gave you"), ("zh-hans", "管理员提供的地址")])
def test_a_strange_host_is_told_what_is_wrong(db, path, language, word):
    answer = Client(headers={"host": "G3", "accept-language": language}).get(path)
    if path == "/sign-in/":
        assert answer.status_code == 400
        said = answer.content.decode()
        assert f'<html lang="{language}"' in said
    else:
        said = problem_of(answer, 400, "host-unknown")["next"]
    assert word in said


@pytest.mark.parametrize("path", ["clusters", "tasks"])
@pytest.mark.parametrize("key", [NOWHERE, "no-id"])
def test_what_is_not_there_is_said_in_our_words(api, path, key):
    problem = problem_of(api.get(f"/api/v1/{path}/{key}"), 404, "not-found")
    assert problem["detail"] == "There is nothing here that you can see."


def test_general_refusals_have_a_next_step(api, operator):
    problem_of(client_of(None).get("/api/v1/me"), 401, "not-authenticated")
    problem_of(Client(headers={"authorization": "Bearer pks_x_y"}).get("/api/v1/me"), 401, "authentication-failed")
    problem_of(api.put("/api/v1/clusters", {}, format="json"), 405, "method-not-allowed")
    problem_of(api.post("/api/v1/clusters", "{", content_type="application/json"), 400, "parse-error")
    problem_of(api.post("/api/v1/clusters", "<a/>", content_type="text/xml"), 415, "unsupported-media-type")
    problem_of(api.post("/api/v1/clusters", wish_of(operator, nodes=0), format="json"), 400, "nodes-bounds")
    answer = Client().get("/oauth/token")
    assert answer["Allow"] == "POST"
    problem_of(answer, 405, "method-not-allowed")


def test_a_bug_is_said_in_json_too(api, monkeypatch):
    def fail(*args):
        raise RuntimeError

    monkeypatch.setattr("tenants.api.me.tenants_where", fail)
    api.raise_request_exception = False
    problem_of(api.get("/api/v1/me"), 500, "internal-server-error")


def test_every_call_declares_its_refusals():
    for path, item in schema()["paths"].items():
        for method, call in item.items():
            refused = {status for status in call["responses"] if status >= "4"}
            assert "401" in refused, (method, path)
            assert ("404" in refused) is ("{" in path)
            assert ("409" in refused) is (method != "get")
            assert all(PROBLEM in call["responses"][status]["content"] for status in refused)


@pytest.mark.parametrize("field", ["node", "vresion"])
def test_an_unknown_field_is_named_and_nothing_happens(api, operator, field):
    cluster = ClusterFactory.create(tenant=operator.tenant, endpoint="https://127.0.0.1:6443")
    address = f"/api/v1/clusters/{cluster.pk}"
    asked = [
        api.post("/api/v1/clusters", wish_of(operator, **{field: 4}), format="json"),
        api.patch(address, {field: 4}, format="json"),
        api.post(f"{address}/kubeconfigs", {field: 4}, format="json"),
    ]
    for answer in asked:
        problem = problem_of(answer, 400, "invalid")
        assert problem["errors"] == {field: ["There is no such field."]}
    assert not Operation.objects.exists()
    assert not Kubeconfig.objects.exists()


def test_a_key_that_was_sent_with_another_request_is_refused(api, operator):
    key = {"Idempotency-Key": "k" * 80}
    first = api.post("/api/v1/clusters", wish_of(operator), format="json", headers=key)
    assert first.status_code == 202
    same = json.dumps(dict(reversed(wish_of(operator).items())), indent=3)  # in other words
    again = api.post("/api/v1/clusters", same, content_type="application/json", headers=key)
    assert again.json()["task"]["id"] == first.json()["task"]["id"]
    problem_of(
        api.post("/api/v1/clusters", wish_of(operator, nodes=4), format="json", headers=key),
        422,
        "idempotency-key-reused",
    )
    address = f"/api/v1/clusters/{first.json()['cluster']['id']}"
    problem_of(api.delete(address, headers=key), 422, "idempotency-key-reused")
    assert Cluster.objects.count() == Operation.objects.count() == 1


def test_a_simulated_cluster_says_itself_that_it_has_no_kubeconfig(api, operator):
    cluster = ClusterFactory.create(tenant=operator.tenant)
    answer = api.post(f"/api/v1/clusters/{cluster.pk}/kubeconfigs", {}, format="json")
    assert "simulated" in problem_of(answer, 409, "simulated-no-kubeconfig")["detail"]


def test_a_dry_run_of_labels_changes_nothing(api, operator):
    cluster = ClusterFactory.create(tenant=operator.tenant, labels={"env": "dev"})
    answer = api.patch(f"/api/v1/clusters/{cluster.pk}?dry_run=true", {"labels": {"env": "prod"}}, format="json")
    problem_of(answer, 400, "dry-run-nodes")
    cluster.refresh_from_db()
    assert cluster.labels == {"env": "dev"}


@pytest.mark.parametrize("labels", [{"a": "b=c"}, {"a=b": "c"}, {"a": "b,c"}, {"": "x"}])
def test_a_label_that_cannot_be_written_is_refused(api, operator, labels):
    answer = api.post("/api/v1/clusters", wish_of(operator, labels=labels), format="json")
    problem_of(answer, 400, "label-wrong")


@pytest.mark.parametrize("text", ["env=dev, env=prod", "env=dev env=dev", "a=b=c", "env"])
def test_labels_as_people_write_them_are_not_guessed_at(text):
    with pytest.raises(ValidationError):
        LabelsField().clean(text)


def test_the_palette_finds_tasks_by_words_and_beginnings_of_ids(api, operator, page):
    made = api.post("/api/v1/clusters", wish_of(operator), format="json").json()
    task, cluster = made["task"]["id"], made["cluster"]["id"]
    for wanted in ("create", "Create pay", task[:6], task[:13], task, task.replace("-", "")):
        assert f"/tasks/{task}" in page.get("/search", {"q": wanted}).content.decode(), wanted
    assert f"/clusters/{cluster}" in page.get("/search", {"q": cluster[:10]}).content.decode()
    assert task not in page.get("/search", {"q": "scale"}).content.decode()


def test_the_trail_of_a_cluster_has_the_cancel_of_its_task(api, operator, page):
    made = api.post("/api/v1/clusters", wish_of(operator), format="json").json()
    api.post(f"/api/v1/tasks/{made['task']['id']}/cancel")
    trail = page.get(f"/clusters/{made['cluster']['id']}?tab=audit").content.decode()
    assert "asked to cancel the task" in trail


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("clusters?status=runing", "status"), ("clusters?status=running,", "status"), ("clusters?tenant=", "tenant"),
        ("clusters?limit=0", "limit"), ("clusters?limit=x", "limit"), ("clusters?cursor=x", "cursor"),
        ("tasks?subject=x", "subject"), ("tasks?status=done", "status"), ("tasks?kind=", "kind"),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_is_named_and_not_dropped(api, query, field):
    assert problem_of(api.get(f"/api/v1/{query}"), 400, problem_code(field))["field"] == field


def problem_code(field):
    return {"limit": "number-wrong", "cursor": "cursor-wrong"}.get(field, "invalid")


def test_filters_narrow_a_list_and_only_a_list(api, operator):
    runs = ClusterFactory.create(tenant=operator.tenant, name="runs", labels={"env": "dev", "1": "x"})
    fails = ClusterFactory.create(tenant=operator.tenant, name="fails", status="failed", labels={"env": "prod"})
    for query, names in {
        "status=running,failed": {"runs", "fails"}, "status=failed": {"fails"}, "name=runs": {"runs"},
        "label=env": {"runs", "fails"}, "label=env=dev": {"runs"}, "label=1=x": {"runs"}, "tenant=other": set(),
    }.items():  # fmt: skip
        assert {row["name"] for row in api.get(f"/api/v1/clusters?{query}").json()["items"]} == names, query
    assert api.get(f"/api/v1/clusters/{runs.pk}?name={fails.name}").status_code == 200


@pytest.mark.parametrize("value", ["maybe", ""])
def test_a_dry_run_that_is_neither_yes_nor_no_does_nothing(api, operator, value):
    answer = api.post(f"/api/v1/clusters?dry_run={value}", wish_of(operator), format="json")
    assert problem_of(answer, 400, "invalid")["field"] == "dry_run"
    assert not Cluster.objects.exists()


@pytest.fixture
def page(operator):
    client = Client()
    client.force_login(operator.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def test_the_page_shows_how_to_sign_in(page):
    shown = page.get("/api/docs").content.decode()
    assert "client_id=pks_cli" in shown
    assert "$TOKEN" not in shown
