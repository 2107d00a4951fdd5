from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Pks
from tests.cli.fake_portal import KUBECONFIG_ID, FakePortal, cluster


def test_several_clusters_come_in_one_request(pks: Pks, signed_in: FakePortal, tmp_path: Path) -> None:
    signed_in.clusters += [cluster("pay-prod"), cluster("pay-test")]
    ran = pks("get-credentials", "pay-dev", "pay-prod", "pay-dev", "pay-test", "--exec", "--hours", "2")
    assert ran.code == 0, ran.err
    (asked,) = signed_in.requests("POST", "/api/v1/kubeconfigs")
    ids = [f"id-payments-{name}" for name in ("pay-dev", "pay-prod", "pay-test")]
    assert asked.body == {"kind": "exec", "hours": 2, "clusters": ids}
    kept = yaml.safe_load((tmp_path / "kubeconfig").read_text())
    assert {one["name"] for one in kept["contexts"]} == {"pay-dev", "pay-prod", "pay-test"}
    assert kept["current-context"] == "pay-dev", "the first one named"
    users = {one["name"]: one["user"]["token"] for one in kept["users"]}
    assert users == {f"payments/{name}": name for name in ("pay-dev", "pay-prod", "pay-test")}, "each its own"
    assert [row["context"] for row in pks("get-credentials", "pay-dev", "pay-prod", "--json").json] == [
        "pay-dev",
        "pay-prod",
    ]


def test_what_is_missing_is_said_and_the_rest_is_kept(pks: Pks, signed_in: FakePortal, tmp_path: Path) -> None:
    signed_in.clusters.append(cluster("comes", endpoint=""))
    ran = pks("get-credentials", "comes", "pay-dev")
    assert ran.code == 1
    assert "payments/comes: No API." in ran.err
    assert "comes is missing" in ran.err
    assert yaml.safe_load((tmp_path / "kubeconfig").read_text())["current-context"] == "pay-dev"


def test_two_tenants_clusters_of_one_name_have_contexts_of_their_own(
    pks: Pks, signed_in: FakePortal, tmp_path: Path
) -> None:
    signed_in.clusters = [cluster("dev", "retail"), cluster("other", "payments")]
    assert pks("get-credentials", "dev", "other", "--kubeconfig", "-").code == 0
    assert not (tmp_path / "kubeconfig").exists()


def test_kubeconfigs_are_listed(pks: Pks, signed_in: FakePortal) -> None:
    ran = pks("kubeconfigs", "--holder", "wu.hao", "--cluster", "pay-dev")
    lines = ran.out.splitlines()
    assert (ran.code, lines[1].split()[:5]) == (0, ["pay-dev", "payments", "wu.hao", "exec", "edit"])
    assert "not known" in lines[2], "a certificate's use is not made up"
    asked = signed_in.requests("GET", "/api/v1/kubeconfigs")[0].query
    assert asked.items() >= {"holder": "wu.hao", "cluster": "id-payments-pay-dev", "state": "valid"}.items()
    pks("kubeconfigs", "--all")
    assert "state" not in signed_in.requests("GET", "/api/v1/kubeconfigs")[-1].query
    assert pks("kubeconfigs", "--json").json[0]["id"] == KUBECONFIG_ID


def test_one_is_revoked(pks: Pks, signed_in: FakePortal) -> None:
    path = f"/api/v1/kubeconfigs/{KUBECONFIG_ID}"
    assert pks("revoke-kubeconfig", KUBECONFIG_ID, stdin="n\n").code == 1
    assert not signed_in.requests("DELETE", path)
    ran = pks("revoke-kubeconfig", KUBECONFIG_ID, stdin="y\n")
    assert (ran.code, ran.out) == (0, "Revoked: 1.\n")
    assert signed_in.requests("DELETE", path)


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (["--mine"], {"mine": True}),
        (["--holder", "wu.hao"], {"holder": "wu.hao"}),
        (["--cluster", "pay-dev"], {"cluster": "id-payments-pay-dev"}),
    ],
)
def test_many_are_revoked(pks: Pks, signed_in: FakePortal, arguments: list[str], body: dict[str, object]) -> None:
    ran = pks("revoke-kubeconfig", *arguments, "--non-interactive", "--json")
    assert (ran.code, ran.json["revoked"]) == (0, [KUBECONFIG_ID])
    assert signed_in.requests("POST", "/api/v1/kubeconfigs/revoke")[0].body == body


def test_what_could_not_be_revoked_is_a_failure(pks: Pks, signed_in: FakePortal) -> None:
    failed = {"revoked": [], "failed": [{"id": KUBECONFIG_ID, "code": "x", "detail": "The cluster does not answer."}]}
    signed_in.once("POST", "/api/v1/kubeconfigs/revoke", (200, failed))
    ran = pks("revoke-kubeconfig", "--mine", "--non-interactive")
    assert (ran.code, "does not answer" in ran.err) == (1, True)


@pytest.mark.parametrize("arguments", [[], ["--mine", "--holder", "x"], ["no-id"], ["x" * 36, "--mine"]])
def test_it_says_which(pks: Pks, signed_in: FakePortal, arguments: list[str]) -> None:
    assert pks("revoke-kubeconfig", *arguments, "--non-interactive").code == 2
    assert not signed_in.requests("POST", "/api/v1/kubeconfigs/revoke")
