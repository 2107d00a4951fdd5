"""What a page says before a change: which nodes are new, which stay, which go; and one thing is not "things"."""

import pytest

from pks_portal import messages
from tests.factories import CloudFactory, ClusterFactory, PlanFactory

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def node(name, *, schedulable=True):
    return {
        "name": name, "pool": "default", "ready": True, "schedulable": schedulable, "version": "1.37.2", "pods": None,
        "simulated": True, "created": None, "vcpu": 2, "memory_gib": 4, "vcpu_requested": None,
        "memory_gib_requested": None,
    }  # fmt: skip


@pytest.fixture
def preview(client, operator):
    """Return a function that gives the preview's text for a number of nodes; one is wanted, two are there."""
    cluster = ClusterFactory.create(
        tenant=operator.tenant, name="pay", cloud=CloudFactory.create(), plan=PlanFactory.create(), nodes=1,
        nodes_seen=[node("pay-default-1"), node("pay-default-2", schedulable=False)],
    )  # fmt: skip
    client.force_login(operator.user, backend=BACKEND)
    return lambda nodes: client.get(f"/clusters/{cluster.pk}/scale/preview", {"nodes": nodes}).content.decode()


def test_a_cordoned_node_that_is_wanted_again_is_not_called_new(preview):
    said = preview(3)
    assert "This node stays and takes pods again: pay-default-2." in said
    assert "New node: pay-default-3." in said


def test_nothing_is_said_to_stay_where_nothing_does(preview):
    said = preview("none")
    assert "stays" not in said
    assert "none" in said


@pytest.mark.parametrize(("nodes", "said"), [(1, "to 1 node"), (2, "to 2 nodes")])
def test_one_node_is_not_nodes(nodes, said):
    assert messages.render("task.cluster.scale", {"name": "pay", "nodes": nodes}).endswith(said)
