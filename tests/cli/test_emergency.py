from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Pks
from tests.cli.fake_portal import KUBECONFIG, FakePortal, problem

PATH = "/api/v1/clusters/id-payments-pay-dev/emergency"
REASON = ["--reason", "incident 4711: etcd is full"]
ENTERED = {
    "id": "e1", "person": "zhang.wei", "reason": REASON[1], "ends_at": "2026-11-23T04:00:00Z", "live": True,
    "kubeconfig": KUBECONFIG,
}  # fmt: skip


def test_who_enters_gets_a_context_of_its_own(pks: Pks, signed_in: FakePortal, tmp_path: Path) -> None:
    signed_in.once("POST", PATH, (201, ENTERED))
    ran = pks("emergency-access", "pay-dev", *REASON, "--minutes", "15", stdin="y\n")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "You are in cluster payments/pay-dev.")
    assert "administrators are told" in ran.err, "it says what it does before"
    assert signed_in.requests("POST", PATH)[0].body == {"reason": REASON[1], "minutes": 15}
    kept = yaml.safe_load((tmp_path / "kubeconfig").read_text())
    assert kept["current-context"] == "pay-dev-emergency"
    assert kept["clusters"][0]["name"] == "payments/pay-dev-emergency"


def test_scripts_get_the_facts_without_the_secret(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("POST", PATH, (201, ENTERED), (201, ENTERED))
    ran = pks("emergency-access", "pay-dev", *REASON, "--non-interactive", "--json")
    assert (ran.code, ran.json["context"], "kubeconfig" in ran.json) == (0, "pay-dev-emergency", False)
    assert (
        pks("emergency-access", "pay-dev", *REASON, "--non-interactive", "--kubeconfig", "-").out == KUBECONFIG + "\n"
    )


def test_it_is_ended(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.once("DELETE", PATH, (204, ""), problem(409, "emergency-none", "Nobody is in it."))
    assert pks("emergency-access", "pay-dev", "--end").out == "The emergency access has ended.\n"
    ran = pks("emergency-access", "pay-dev", "--end")
    assert (ran.code, "Nobody is in it." in ran.err) == (1, True)


@pytest.mark.parametrize("arguments", [[], [*REASON, "--end"], [*REASON]])
def test_nothing_happens_without_reason_and_answer(pks: Pks, signed_in: FakePortal, arguments: list[str]) -> None:
    assert pks("emergency-access", "pay-dev", *arguments).code == 2
    assert not signed_in.requests("POST", PATH)
    assert not signed_in.requests("DELETE", PATH)
