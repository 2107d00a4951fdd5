import json
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Pks
from tests.cli.fake_portal import FakePortal, cluster, event, problem, task


def test_clusters_prints_one_row_each_over_all_pages(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.clusters = [cluster(f"c{n}", labels={}) for n in range(5)]
    ran = pks("clusters")
    lines = ran.out.splitlines()
    assert lines[0].split("  ")[0] == "Name"
    assert [line.split()[0] for line in lines[1:]] == ["c0", "c1", "c2", "c3", "c4"]
    assert len({line.index("id-payments") for line in lines[1:]}) == 1, "columns are straight"
    assert [item["name"] for item in pks("clusters", "--json").json] == ["c0", "c1", "c2", "c3", "c4"]


def test_cluster_shows_its_nodes(pks: Pks, signed_in: FakePortal) -> None:
    ran = pks("cluster", "pay-dev")
    assert "Worker Nodes:            3 (3 ready), simulated" in ran.out
    assert "Kubernetes Master Port:  6443" in ran.out
    found = pks("cluster", "pay-dev", "--json").json
    assert [(node["name"], node["ready"]) for node in found["nodes"]] == [(f"pay-dev-{n}", True) for n in range(3)]


def test_a_name_is_looked_for_in_the_own_tenant_first(pks: Pks, signed_in: FakePortal, home: Path) -> None:
    signed_in.clusters = [cluster("dev"), cluster("dev", "retail")]
    ran = pks("cluster", "dev")
    assert (ran.code, ran.err) == (
        1,
        "Error: More than one tenant has a cluster dev: payments/dev, retail/dev.\nName the tenant with --tenant.\n",
    )
    assert pks("cluster", "dev", "--tenant", "retail", "--json").json["tenant"] == "retail"
    kept = json.loads((home / "creds.json").read_text())
    (home / "creds.json").write_text(json.dumps({**kept, "tenant": "payments"}))
    assert pks("cluster", "dev", "--json").json["tenant"] == "payments"


def test_an_unknown_cluster(pks: Pks, signed_in: FakePortal) -> None:
    ran = pks("delete-cluster", "nope", "--non-interactive")
    assert (ran.code, ran.err) == (1, "Error: Cluster nope not found\n")
    assert not [request for request in signed_in.seen if request.method == "DELETE"]


def test_create_sends_the_wish_once(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("POST", "/api/v1/clusters", None)  # the portal vanishes after it got the request
    ran = pks(
        "create-cluster", "pay-dev", "-p", "small", "-n", "3", "-e", "dev.pay.example",
        "--kubernetes-version", "v1.36.3", "--label", "team=core", "--label", "note=", "--cloud", "local", "--json",
    )  # fmt: skip
    assert ran.code == 0
    assert set(ran.json) == {"task", "cluster"}
    first, second = signed_in.requests("POST", "/api/v1/clusters")
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert second.body == {
        "tenant": "payments", "name": "pay-dev", "plan": "small", "nodes": 3, "version": "1.36.3", "cloud": "local",
        "external_hostname": "dev.pay.example", "labels": {"team": "core", "note": ""},
    }  # fmt: skip


def test_create_takes_the_plans_fewest_nodes(pks: Pks, signed_in: FakePortal) -> None:
    ran = pks("create-cluster", "pay-dev", "-p", "small")
    assert signed_in.requests("POST", "/api/v1/clusters")[0].body["nodes"] == 2
    assert ran.out.endswith("Use 'pks cluster pay-dev' to monitor the state of your cluster\n")


def test_create_with_several_tenants_asks_which(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.tenants = ["payments", "retail"]
    ran = pks("create-cluster", "x", "-p", "small")
    assert (ran.code, ran.err) == (
        2,
        "Error: You have more than one tenant: payments, retail.\nName the tenant with --tenant.\n",
    )


@pytest.mark.parametrize("label", ["team", "=core"])
def test_a_wrong_label(pks: Pks, signed_in: FakePortal, label: str) -> None:
    assert pks("create-cluster", "x", "-p", "small", "--label", label).code == 2


def test_dry_run_shows_steps_quota_and_refusals(pks: Pks, signed_in: FakePortal) -> None:
    preview = {
        "steps": [{"name": "etcd", "text": "Start etcd"}],
        "quota": [{"kind": "nodes", "label": "Nodes", "limit": 20, "used": 18, "after": 21, "over": True}],
        "refusals": [problem(409, "over-quota", "Nodes: 21 of 20.", next="Ask for more.")[1]],
        "memory_needed_gib": 0.9, "memory_free_gib": 3.5, "nodes_added": [], "nodes_removed": [], "seconds": None,
    }  # fmt: skip
    signed_in.once("POST", "/api/v1/clusters", (200, preview), (200, {**preview, "refusals": []}))
    ran = pks("create-cluster", "x", "-p", "small", "-n", "3", "--dry-run")
    assert signed_in.requests("POST", "/api/v1/clusters")[0].query == {"dry_run": "true"}
    assert "  1. Start etcd\n" in ran.out
    assert "Nodes  20     18    21 !" in ran.out
    assert (ran.code, ran.err) == (1, "Error: This would be refused:\n  Nodes: 21 of 20.\nAsk for more.\n")
    assert pks("create-cluster", "x", "-p", "small", "-n", "3", "--dry-run", "--json").code == 0


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("YES\n", 0), ("n\n", 1), ("\n", 1), ("", 2)])
@pytest.mark.parametrize("command", [["resize", "pay-dev", "-n", "5"], ["delete-cluster", "pay-dev"]])
def test_changes_ask_first(pks: Pks, signed_in: FakePortal, command: list[str], answer: str, code: int) -> None:
    ran = pks(*command, stdin=answer)
    assert ran.code == code
    assert "Are you sure you want to" in ran.err
    changed = [request for request in signed_in.seen if request.method in {"PATCH", "DELETE"}]
    assert len(changed) == (1 if code == 0 else 0)


def test_wait_ends_as_the_task_ended(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.task, signed_in.events = task("succeeded"), [event(1, "etcd runs."), event(2, "Done.")]
    ran = pks("resize", "pay-dev", "-n", "3", "--non-interactive", "--wait", "--json")
    assert ran.code == 0
    assert (ran.json["task"]["status"], ran.json["cluster"]["name"]) == ("succeeded", "pay-dev")
    signed_in.task = task(
        "failed", error={"code": "no_memory", "detail": "No memory.", "next": "Free some.", "cause": ""}
    )
    ran = pks("resize", "pay-dev", "-n", "3", "--non-interactive", "--wait")
    assert (ran.code, ran.err) == (1, "Error: Create cluster pay-dev: Failed. No memory.\nFree some.\n")


def test_delete_and_wait_says_that_it_is_gone(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.task = task("succeeded")
    signed_in.once("GET", "/api/v1/clusters/id-payments-pay-dev", problem(404, "not-found", "Gone."))
    ran = pks("delete-cluster", "pay-dev", "--non-interactive", "--wait")
    assert (ran.code, ran.out) == (0, "Cluster pay-dev is deleted.\n")


def test_get_credentials_makes_the_context_current(pks: Pks, signed_in: FakePortal, tmp_path: Path) -> None:
    ran = pks("get-credentials", "pay-dev", "--level", "view", "--hours", "2")
    assert ran.code == 0
    assert signed_in.requests("POST", "/api/v1/clusters/id-payments-pay-dev/kubeconfigs")[0].body == {
        "level": "view",
        "hours": 2,
    }
    kept = yaml.safe_load((tmp_path / "kubeconfig").read_text())
    assert kept["current-context"] == "pay-dev"
    assert kept["contexts"] == [
        {"name": "pay-dev", "context": {"cluster": "payments/pay-dev", "user": "payments/pay-dev"}}
    ]
    answered = pks("get-credentials", "pay-dev", "--json")
    assert answered.json["context"] == "pay-dev"
    assert "client-key" not in answered.out


def test_get_credentials_prints_when_told_to(pks: Pks, signed_in: FakePortal, tmp_path: Path) -> None:
    ran = pks("get-credentials", "pay-dev", "--kubeconfig", "-")
    assert yaml.safe_load(ran.out)["kind"] == "Config"
    assert not (tmp_path / "kubeconfig").exists()


def test_the_context_of_another_cluster_is_not_taken_unsaid(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.clusters = [cluster("dev"), cluster("dev", "retail")]
    assert pks("get-credentials", "dev", "-t", "payments").code == 0
    ran = pks("get-credentials", "dev", "-t", "retail")
    assert "The context dev pointed to payments/dev before." in ran.err
