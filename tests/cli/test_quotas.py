from typing import Any

import pytest

from tests.cli.conftest import Pks
from tests.cli.fake_portal import FakePortal, cluster, task

LIMITS = {"clusters": 4, "nodes": 20, "vcpu": 80, "memory_gib": None, "storage_gib": 500, "registry_gib": None}
USED = {"clusters": 1, "nodes": 3, "vcpu": 6, "memory_gib": 12, "storage_gib": None, "registry_gib": None}
REQUEST: dict[str, Any] = {
    "id": "r1", "tenant": "payments", "requester": "li.na", "reason": "launch", "status": "pending",
    "status_label": "Waiting for a decision", "amounts": [{"kind": "nodes", "asked": 3, "granted": None}],
    "wish": {"task": "t1", "title": "Create cluster big", "nodes": 8, "least": 1, "plan": "small", "version": "1.37.2"},
    "created_at": "2026-11-22T09:00:00Z", "decided_at": None, "decided_by": None, "comment": "", "expires_at": None,
}  # fmt: skip
APPROVED = {**REQUEST, "status": "approved", "amounts": [{"kind": "nodes", "asked": 3, "granted": 2}]}


def test_quotas_say_what_is_unlimited_and_what_nobody_measures(pks: Pks, signed_in: FakePortal) -> None:
    quota = {"tenant": "payments", "limits": LIMITS, "used": USED}
    signed_in.once("GET", "/api/v1/quotas", *[(200, {"items": [quota], "next": None})] * 2)
    assert pks("quotas").out.splitlines()[1].split() == [
        "payments", "1/4", "3/20", "6/80", "12/unlimited", "?/500", "?/unlimited",
    ]  # fmt: skip
    assert pks("quotas", "--json").json == [quota]
    signed_in.once("GET", "/api/v1/quotas/payments", (200, quota))
    assert pks("quotas", "-t", "payments", "--json").json == [quota]


def test_requests_are_listed(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("GET", "/api/v1/quota-requests", (200, {"items": [REQUEST], "next": None}))
    out = pks("quota-requests", "--status", "pending").out
    assert "Nodes +3" in out
    assert "Create cluster big" in out
    assert signed_in.requests("GET", "/api/v1/quota-requests")[0].query["status"] == "pending"


def test_asking_and_deciding(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("POST", "/api/v1/quota-requests", (201, {**REQUEST, "wish": None}))
    assert pks("request-quota", "--nodes", "3", "--reason", "launch").code == 0
    assert signed_in.requests("POST", "/api/v1/quota-requests")[0].body == {
        "tenant": "payments", "amounts": {"nodes": 3}, "reason": "launch",
    }  # fmt: skip
    assert pks("request-quota", "--reason", "launch").code == 2
    signed_in.once("POST", "/api/v1/quota-requests/r1/approve", (200, APPROVED), (200, APPROVED))
    ran = pks("approve-request", "r1", "--nodes", "2", "--days", "30", "--comment", "for now")
    assert "Granted:    Nodes +2" in ran.out
    assert "approve-request" not in ran.err
    pks("approve-request", "r1")
    part, whole = signed_in.requests("POST", "/api/v1/quota-requests/r1/approve")
    assert (part.body["amounts"], part.body["comment"], "expires_at" in part.body) == ({"nodes": 2}, "for now", True)
    assert whole.body == {"comment": ""}
    signed_in.once("POST", "/api/v1/quota-requests/r1/reject", (200, {**REQUEST, "status": "rejected"}))
    assert pks("reject-request", "r1", "--comment", "no").code == 0
    assert pks("reject-request", "r1").code == 2
    assert pks("approve-request", "../clusters").code == 2


@pytest.mark.parametrize("command", ["create", "resize"])
def test_a_wish_over_the_quota_is_asked_for(pks: Pks, signed_in: FakePortal, command: str) -> None:
    signed_in.clusters = [cluster("big")]
    held = {"task": task("held"), "cluster": None, "request": REQUEST}
    asked = ["--request", "--reason", "launch", "--least", "2"]
    if command == "create":
        signed_in.once("POST", "/api/v1/clusters", (202, held))
        ran = pks("create-cluster", "big", "-p", "small", "-n", "8", *asked)
        sent = signed_in.requests("POST", "/api/v1/clusters")[0]
    else:
        signed_in.once("PATCH", "/api/v1/clusters/id-payments-big", (202, held))
        ran = pks("resize", "big", "-n", "8", "--non-interactive", *asked)
        sent = signed_in.requests("PATCH", "/api/v1/clusters/id-payments-big")[0]
    assert sent.query == {"request": "true"}
    assert sent.body["request"] == {"reason": "launch", "least": 2}
    assert "it waits for approval" in ran.out
    assert ran.out.endswith("Use 'pks task t1 --watch' to follow it\n")


def test_a_reason_goes_with_a_request_only(pks: Pks, signed_in: FakePortal) -> None:
    ran = pks("create-cluster", "big", "-p", "small", "-n", "8", "--reason", "launch")
    assert (ran.code, ran.err) == (2, "Error: --reason and --least go with --request.\n")
    assert not signed_in.requests("POST", "/api/v1/clusters")
