"""A change that is sent twice is carried out once, whatever happens in between; and it is answered the same."""

import threading
import uuid
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.test import APIClient

from clusters.models import Cluster
from pks_portal.operations.models import Operation
from tenants import tokens
from tenants.api import idempotency as door
from tenants.automation import idempotency
from tenants.models import IdempotencyRecord, Membership, Role, Tenant, User
from tests.clusters.test_job import wish_of
from tests.factories import CloudFactory, MembershipFactory, PlanFactory, UserFactory
from tests.tools import client_of

State = IdempotencyRecord.State
CLUSTERS = "/api/v1/clusters"


def send(client: APIClient, operator: Any, key: str = "k1", **wish: Any) -> Any:
    return client.post(CLUSTERS, wish_of(operator, **wish), format="json", headers={"Idempotency-Key": key})


def program_of(user: User) -> APIClient:
    """Return a client with a token, which needs no confirmation."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.start(user, 'pks_cli').access}")
    return client


def test_the_first_answer_is_given_again(api: APIClient, operator: Any) -> None:
    first, again = send(api, operator), send(api, operator)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert again["Content-Type"] == first["Content-Type"]
    assert ("Idempotency-Replayed" in first, again["Idempotency-Replayed"]) == (False, "true")
    assert Cluster.objects.count() == Operation.objects.count() == 1


def test_a_refusal_is_given_again_too(api: APIClient, operator: Any) -> None:
    first, again = send(api, operator, nodes=0), send(api, operator, nodes=0)
    assert (first.status_code, again.status_code) == (400, 400)
    assert again["Idempotency-Replayed"] == "true"
    assert again["Content-Type"] == "application/problem+json"


def test_another_request_with_the_key_is_refused(api: APIClient, operator: Any) -> None:
    send(api, operator)
    answer = send(api, operator, nodes=4)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
    assert Cluster.objects.count() == 1


@pytest.mark.parametrize("role", [None, Role.VIEWER])
def test_who_has_lost_the_right_gets_no_answer_again(api: APIClient, operator: Any, role: str | None) -> None:
    first = send(api, operator)
    Membership.objects.filter(pk=operator.pk).delete()
    if role:
        MembershipFactory.create(tenant=operator.tenant, user=operator.user, role=role)
    answer = send(api, operator)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert first.json()["cluster"]["id"] not in answer.content.decode()
    Membership.objects.filter(user=operator.user).delete()
    MembershipFactory.create(tenant=operator.tenant, user=operator.user, role=Role.ADMIN)  # another role that allows it
    assert send(api, operator).json() == first.json()


def test_nor_is_told_again_what_was_shown_once(operator: Any) -> None:
    boss = MembershipFactory.create(tenant=operator.tenant, role=Role.ADMIN)
    accounts = f"/api/v1/tenants/{operator.tenant.slug}/service-accounts"
    key, client = {"Idempotency-Key": "k"}, program_of(boss.user)
    client.post(accounts, {"name": "ci", "role": "viewer"}, format="json")
    wish = {"name": "the-token", "scopes": ["read"]}
    assert client.post(f"{accounts}/ci/tokens", wish, format="json", headers=key).status_code == 201
    assert client.post(f"{accounts}/ci/tokens", wish, format="json", headers=key).status_code == 409
    Membership.objects.filter(pk=boss.pk).delete()
    answer = client.post(f"{accounts}/ci/tokens", wish, format="json", headers=key)
    assert (answer.status_code, "the-token" in answer.content.decode()) == (403, False)


def test_archiving_takes_no_answer_away(api: APIClient, operator: Any) -> None:
    first = send(api, operator)
    Tenant.objects.filter(pk=operator.tenant_id).update(archived_at=timezone.now())
    assert send(api, operator).json() == first.json()


def test_the_key_of_somebody_else_is_another(api: APIClient, operator: Any) -> None:
    colleague = MembershipFactory.create(tenant=operator.tenant)
    send(api, operator)
    answer = send(client_of(colleague.user), operator, name="theirs")
    assert (answer.status_code, "Idempotency-Replayed" in answer) == (202, False)


def test_after_a_day_the_key_is_free(api: APIClient, operator: Any) -> None:
    send(api, operator)
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        answer = send(api, operator, name="another")
        assert answer.status_code == 202
        assert "Idempotency-Replayed" not in answer
        IdempotencyRecord.objects.create(
            actor=operator.user, key="old", method="POST", path="/", digest="", created_at=timezone.now() - timedelta(2)
        )
        assert idempotency.purge() == 1


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 81, "a\tb"])
def test_a_key_that_is_none_is_refused(api: APIClient, operator: Any, key: str) -> None:
    answer = send(api, operator, key)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-wrong")
    assert not Cluster.objects.exists()


def running(user: User, **more: Any) -> IdempotencyRecord:
    return IdempotencyRecord(actor=user, key="k", method="POST", path="/", digest="d", claim=uuid.uuid4(), **more)


def test_while_the_first_is_under_way_the_second_is_told_to_wait(api: APIClient, operator: Any) -> None:
    send(api, operator)
    IdempotencyRecord.objects.update(state=State.RUNNING)
    answer = send(api, operator)
    assert (answer.status_code, answer.json()["code"]) == (409, "request-in-progress")
    assert answer["Retry-After"] == "1"


def test_a_request_whose_process_died_after_the_deed_finds_the_deed(api: APIClient, operator: Any) -> None:
    """As after kill -9 between the commit and the answer: the record stays running, and its lease runs out."""
    first = send(api, operator)
    dead = timezone.now() - idempotency.LEASE - timedelta(seconds=1)
    IdempotencyRecord.objects.update(state=State.RUNNING, claimed_at=dead, status=None, body="", headers={})
    again = send(api, operator)
    assert again.status_code == 202
    assert again.json()["task"]["id"] == first.json()["task"]["id"]
    assert Cluster.objects.count() == 1
    assert IdempotencyRecord.objects.get().state == State.DONE


def test_a_dead_request_is_taken_over_once(db: None) -> None:
    user = UserFactory.create()
    first = idempotency.claim(running(user))
    IdempotencyRecord.objects.update(claimed_at=timezone.now() - idempotency.LEASE - timedelta(seconds=1))
    second, third = running(user), running(user)
    assert idempotency.claim(second).claim == second.claim
    assert idempotency.claim(third).claim == second.claim
    door.finish(first, HttpResponse("late", status=200))
    assert IdempotencyRecord.objects.get().state == State.RUNNING, "who lost the claim keeps no answer"


def test_a_failure_of_ours_is_not_kept(api: APIClient, operator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    api.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr("clusters.services.create_cluster", fail)
        assert send(api, operator).status_code == 500
    assert IdempotencyRecord.objects.get().state == State.FREE
    answer = send(api, operator)
    assert (answer.status_code, "Idempotency-Replayed" in answer) == (202, False)


def test_what_is_shown_once_is_not_kept(db: None) -> None:
    user = UserFactory.create()
    client = program_of(user)
    wish = {"name": "laptop", "scopes": ["read"]}
    key = {"Idempotency-Key": "t1"}
    first = client.post("/api/v1/me/tokens", wish, format="json", headers=key)
    assert first.status_code == HTTPStatus.CREATED
    again = client.post("/api/v1/me/tokens", wish, format="json", headers=key)
    assert (again.status_code, again.json()["code"]) == (409, "shown-once")
    assert again.json()["name"] == "laptop"
    assert again.json()["id"] == first.json()["id"]
    assert first.json()["token"].split("_", 2)[2] not in str(list(IdempotencyRecord.objects.values()))
    assert user.api_tokens.count() == 1


def test_an_answer_without_content_has_none_again(db: None) -> None:
    user = UserFactory.create()
    token = user.api_tokens.create(name="t", expires_at=timezone.now() + timedelta(days=1))
    path, key = f"/api/v1/me/tokens/{token.pk}", {"Idempotency-Key": "d"}
    answers = [program_of(user).delete(path, headers=key) for _ in "12"]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    assert "Content-Type" not in answers[1]
    assert answers[1]["Idempotency-Replayed"] == "true"


def test_a_stranger_leaves_no_record(db: None) -> None:
    answer = APIClient().post(CLUSTERS, {}, format="json", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 401
    assert not IdempotencyRecord.objects.exists()


def test_reading_needs_no_key(api: APIClient) -> None:
    assert api.get(CLUSTERS, headers={"Idempotency-Key": "k"}).status_code == 200
    assert not IdempotencyRecord.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_twenty_at_once_make_one(settings: Any) -> None:
    """Each is answered: the same task, or to wait; then, sent again, all get the same answer."""
    CloudFactory.create(), PlanFactory.create()
    operator = MembershipFactory.create(role=Role.OPERATOR)
    answers: list[Any] = []
    gate = threading.Barrier(20)

    def ask() -> None:
        try:
            gate.wait(10)
            answers.append(send(client_of(User.objects.get(pk=operator.user.pk)), operator))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 20
    statuses = {answer.status_code for answer in answers}
    assert statuses <= {202, 409}, [answer.content for answer in answers if answer.status_code not in {202, 409}]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"request-in-progress"}
    assert len({answer.json()["task"]["id"] for answer in answers if answer.status_code == 202}) == 1
    assert Cluster.objects.count() == Operation.objects.count() == 1
    assert send(client_of(operator.user), operator)["Idempotency-Replayed"] == "true"
