"""What every engine must do: the port's promises, on a real cluster where there is one."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import pytest

from clusters.engines.base import Wanted
from pks_portal.errors import Conflict
from tests.engines.rig import VERSION, Rig, wish


def resized(wanted: Wanted, nodes: int) -> Wanted:
    return replace(wanted, pools=[replace(pool, nodes=nodes) for pool in wanted.pools])


def test_a_cluster_lives_from_nothing_to_nothing(rig: Rig) -> None:  # noqa: PLR0915 - one life
    wanted = wish()
    seen = rig.until_settled(wanted)
    assert seen.exists
    assert seen.healthy
    assert seen.version == VERSION
    assert seen.endpoint.startswith("https://") == rig.make().capabilities().credentials
    assert seen.waiting is None
    assert seen.blocked is None
    assert all(condition.ok for condition in seen.conditions)
    assert {step.name: 1.0 for step in rig.make().steps("create")}.items() <= dict(seen.steps).items()
    assert [node.name for node in seen.nodes] == [f"pay-dev-default-{n}" for n in (1, 2, 3)]
    for node in seen.nodes:
        assert node.ready
        assert node.schedulable
        assert node.simulated
        assert (node.pool, node.version, node.vcpu, node.memory_gib) == ("default", VERSION, 2, 4)

    again = rig.step(wanted)  # nothing is to do, nothing happens
    assert again.settled
    assert [(n.name, n.created) for n in again.nodes] == [(n.name, n.created) for n in seen.nodes]

    grown = rig.until_settled(resized(wanted, 5))
    assert len(grown.nodes) == 5
    assert grown.nodes[0].created == seen.nodes[0].created
    assert {step.name: 1.0 for step in rig.make().steps("scale")}.items() <= dict(grown.steps).items()

    shrunk = rig.until_settled(resized(wanted, 2))
    assert [node.name for node in shrunk.nodes] == ["pay-dev-default-1", "pay-dev-default-2"]

    forced = rig.until_settled(
        replace(resized(wanted, 1), force=["default/web"])
    )  # nothing is in the way, nothing is different
    assert [(node.name, node.created) for node in forced.nodes] == [("pay-dev-default-1", seen.nodes[0].created)]
    assert forced.blocked is None

    removal = rig.until_removed(wanted.id)
    assert not removal.left
    assert dict(removal.steps) == {step.name: 1.0 for step in rig.make().steps("delete")}
    assert not rig.make().observe(wanted).exists
    assert rig.make().remove(wanted.id).done


def test_only_begin_brings_a_cluster_into_being(rig: Rig) -> None:
    wanted = wish()
    for _ in range(3):
        assert not rig.step(wanted).exists
    for _ in range(2):
        rig.make().begin(wanted)
        assert not rig.make().observe(wanted).settled
    assert rig.step(wanted).exists
    rig.make().begin(wanted)  # again, of one half made
    assert rig.step(wanted).exists
    rig.until_removed(wanted.id)
    assert not rig.step(wanted).exists  # a worker that had lost its turn and goes on now
    assert rig.make().remove(wanted.id).done


def test_one_only_begun_is_removed(rig: Rig) -> None:
    wanted = wish()
    rig.make().begin(wanted)
    rig.until_removed(wanted.id)
    assert not rig.step(wanted).exists


def test_a_half_made_cluster_is_removed(rig: Rig) -> None:
    wanted = wish()
    rig.make().begin(wanted)
    assert not rig.step(wanted).settled
    rig.until_removed(wanted.id)
    assert not rig.make().observe(wanted).exists


def test_a_preview_changes_nothing_and_names_the_nodes(rig: Rig) -> None:
    wanted = wish(2)
    engine = rig.make()
    wishes = (wanted, resized(wanted, 3), wanted)
    made = engine.preview(None, wanted)
    grown, shrunk = (engine.preview(before, after) for before, after in pairwise(wishes))
    assert made.refusal is None
    assert list(made.steps) == list(engine.steps("create"))
    assert list(made.nodes_added) == ["pay-dev-default-1", "pay-dev-default-2"]
    assert (list(grown.nodes_added), list(grown.nodes_removed)) == (["pay-dev-default-3"], [])
    assert (list(shrunk.nodes_added), list(shrunk.nodes_removed)) == ([], ["pay-dev-default-3"])
    assert not rig.make().observe(wanted).exists


def test_what_never_was_may_be_removed_revoked_and_looked_at(rig: Rig) -> None:
    nobody = uuid4()
    assert rig.make().remove(nobody).done
    rig.make().revoke(nobody, "0123456789abcdef")
    seen = rig.make().observe(wish(cluster_id=nobody))
    assert (seen.exists, seen.settled, list(seen.nodes)) == (False, False, [])


def test_who_has_no_cluster_gets_no_credential(rig: Rig) -> None:
    with pytest.raises(Conflict):
        rig.make().credentials(wish(), holder="li.na", level="edit", ttl=timedelta(hours=1))
