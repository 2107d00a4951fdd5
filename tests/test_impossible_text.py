"""Text that no database keeps (NUL, halves of surrogate pairs): a clear refusal or no result, never a 500."""

import json
from typing import Any

import pytest
from django.test import Client

from clusters.models import Cluster
from pks_portal.operations.models import Operation
from tests.clusters.test_job import wish_of
from tests.factories import ClusterFactory
from tests.permissions.people import browser_of

NUL, HALF = "a\x00b", "a\ud800b"
JSON = "application/json"


@pytest.fixture
def page(operator):
    return browser_of(operator.user)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/clusters?name=%00", "/api/v1/clusters?label=%00", "/api/v1/clusters?tenant=a%00&status=%00",
        "/api/v1/clusters?cursor=cD0lMDA%3D", "/api/v1/tasks?kind=%00", "/api/v1/tasks?status=%00",
        "/api/v1/tasks?subject=%00", "/api/v1/tenants/%00", "/api/v1/plans/%00", "/api/v1/clouds/a%00b",
        "/api/v1/tenants?cursor=cD0lMDA%3D", "/api/v1/plans?cursor=cD0lMDA%3D",
        "/api/v1/clusters/%00", "/api/v1/tasks/%00/events?after=%00",
    ],
)  # fmt: skip
def test_the_api_refuses_it_in_addresses(api, path):
    answer = api.get(path)
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("text", [NUL, HALF])
@pytest.mark.parametrize("where", ["name", "tenant", "plan", "version", "cloud", "external_hostname", "label", "key"])
def test_the_api_refuses_it_in_bodies(api, operator, text, where):
    odd: dict[str, dict[str, Any]] = {"label": {"labels": {text: "x"}}, "key": {text: 1}}
    changes = odd.get(where, {where: text})
    body = wish_of(operator, **changes)
    answer = api.post("/api/v1/clusters", _escaped(body), content_type=JSON)
    assert answer.status_code == 400, answer.content
    assert answer.json()["code"] == "text-impossible"
    assert not Cluster.objects.exists()
    assert not Operation.objects.exists()


@pytest.mark.parametrize("text", [NUL, HALF])
def test_the_api_refuses_it_in_changes(api, operator, text):
    cluster = ClusterFactory.create(tenant=operator.tenant)
    for body in ({"labels": {"env": text}}, {"labels": {text: "dev"}}, {text: 1}):
        answer = api.patch(f"/api/v1/clusters/{cluster.pk}", _escaped(body), content_type=JSON)
        assert answer.status_code == 400, answer.content
    cluster.refresh_from_db()
    assert cluster.labels == {}


def test_a_body_nested_beyond_reason_is_refused(api):
    answer = api.post("/api/v1/clusters", "[" * 200_000, content_type=JSON)
    assert answer.status_code == 400, answer.content


@pytest.mark.parametrize("field", ["username", "password", "refresh_token", "client_id", "grant_type"])
def test_tokens_are_not_given_for_it(db, field):
    form = {"grant_type": "password", "client_id": "pks_cli", "username": "a", "password": "b", field: NUL}
    assert Client().post("/oauth/token", form).status_code == 400
    coded = "&".join(f"{name}={value}" for name, value in form.items()).replace("\x00", "%00")
    answer = Client().post("/oauth/token", coded, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "/?tenant=%00", "/clusters?q=%00", "/clusters?q=env%3D%00", "/clusters?q=%00%3Dx", "/clusters?tenant=%00",
        "/clusters?version=%00&cloud=%00&sort=%00&state=%00&page=%00", "/clusters/rows?id=%00&q=%00",
        "/tasks?kind=%00&tenant=%00&state=%00&mine=%00&page=%00", "/tasks/rows?id=%00&kind=%00", "/search?q=%00",
        "/clusters/new?tenant=%00", "/clusters/new/name?name=%00&tenant=%00", "/clusters?%00=%00",
        "/clusters/new/preview?tenant=%00&name=%00&plan=%00&nodes=%00&version=%00&cloud=%00&labels=a%3D%00&key=%00",
    ],
)  # fmt: skip
def test_pages_find_nothing_for_it(page, operator, path):
    ClusterFactory.create(tenant=operator.tenant, name="to-be-missed", labels={"env": "dev"})
    answer = page.get(path)
    assert answer.status_code == 200, answer.content
    if "clusters?q" in path or "search" in path:
        assert b"to-be-missed" not in answer.content


def test_a_form_says_it_at_its_field(page, operator):
    wish = {"tenant": operator.tenant.slug, "plan": "small", "nodes": "1", "version": "1.37.2", "cloud": "simulated"}
    for field in ("name", "tenant", "plan", "nodes", "version", "cloud", "labels", "key"):
        typed = {"name": "good", **wish, field: "a=\x00" if field == "labels" else NUL}
        answer = page.post("/clusters/new", typed)
        assert answer.status_code == 422, (field, answer.content)
    assert not Cluster.objects.exists()


def test_the_forms_of_a_cluster_refuse_it(page, operator):
    cluster = ClusterFactory.create(tenant=operator.tenant)
    here = f"/clusters/{cluster.pk}"
    assert page.post(f"{here}/labels", {"labels": "a=\x00"}).status_code == 422
    assert page.post(f"{here}/labels", {"labels": "\x00=a"}).status_code == 422
    assert page.post(f"{here}/delete", {"name": NUL, "key": NUL}).status_code == 422
    assert page.post(f"{here}/scale", {"nodes": NUL, "key": NUL}).status_code == 400
    assert page.post(f"{here}/kubeconfigs", {"level": NUL, "hours": "8"}).status_code == 400
    assert page.post(f"{here}/scale", {"nodes": "5", "key": NUL}).status_code == 302, "a mangled key is none"
    assert page.post("/preferences", {"theme": NUL, "language": NUL, "next": NUL}).status_code == 302


def test_signing_in_refuses_it(db):
    answer = Client().post("/accounts/login/", {"login": NUL, "password": NUL})
    assert answer.status_code == 200
    assert b"Null characters" in answer.content


def _escaped(body):
    return json.dumps(body)  # halves of pairs travel as \\ud800
