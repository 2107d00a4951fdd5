"""Small parts by themselves."""

from pathlib import Path

import pytest
from cryptography import x509

from clusters.engines.local import door, programs
from clusters.engines.local.layout import Facts, Layout
from clusters.engines.local.network import Network
from clusters.engines.local.nodes import node_name, quantity
from clusters.engines.local.pki import Authority
from clusters.engines.local.supervisor import _render
from tests.engines.rig import wish


@pytest.mark.parametrize(
    ("text", "number"),
    [("500m", 0.5), ("2", 2), ("1Gi", 2**30), ("1.5", 1.5), ("128Mi", 2**27), ("1e3", 1000), ("1k", 1000), ("?", 0)],
)
def test_quantities(text: str, number: float) -> None:
    assert quantity(text) == number


def test_node_names_fit_a_label_and_stay_apart() -> None:
    assert node_name("pay-dev", "default", 3) == "pay-dev-default-3"
    long = "a" * 62
    names = {node_name(long + end, "default", number) for end in "bc" for number in (1, 50)}
    assert len(names) == 4
    assert max(map(len, names)) <= 63


def test_addresses_do_not_meet() -> None:
    networks = [Network(slot) for slot in (0, 1, 255, 256, 190 * 256 - 1)]
    assert [net.door for net in networks] == [
        "127.64.0.10",
        "127.64.1.10",
        "127.64.255.10",
        "127.65.0.10",
        "127.253.255.10",
    ]
    assert len({net.member(number) for net in networks for number in (1, 2, 3)}) == 15


def test_what_may_not_start_twice_dies_with_its_supervisor(tmp_path: Path) -> None:
    wanted = wish()
    layout = Layout(tmp_path / "50%", wanted.id)
    facts = Facts(id=str(wanted.id), name="a", version="1.37.2", members=3, slot=7, isolated=True, owner=1_900_000_007)
    net = Network(7, "pks-test")
    made = programs.programs_of(layout, facts, net)
    assert {program.component for program in made if "--pdeathsig" in program.argv} == {
        "kube-controller-manager",
        "kube-scheduler",
        "kwok",
    }
    assert len({program.mark for program in made}) == 3 * 4 + 2
    assert all("pks-test" in program.argv[1] for program in made if program.component != "haproxy")
    text = _render(made)
    assert text.count("[group:") == 5
    assert "50%%" in text
    layout.home.mkdir(parents=True)
    door.configure(layout, facts, net)
    config = (layout.home / "haproxy.cfg").read_text()
    assert config.count("track kube-apiserver/m") == 3
    assert "bind 127.64.7.10:6443 namespace pks-test" in config


def test_authorities_sign_for_their_own_only() -> None:
    one, other = Authority.make("one"), Authority.make("other")
    issued = x509.load_pem_x509_certificate(one.client("li.na").certificate)
    issued.verify_directly_issued_by(x509.load_pem_x509_certificate(one.pem.certificate))
    with pytest.raises(ValueError, match="does not match"):
        issued.verify_directly_issued_by(x509.load_pem_x509_certificate(other.pem.certificate))
