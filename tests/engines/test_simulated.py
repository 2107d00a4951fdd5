"""The simulated engine: time moves it, a file keeps it, and it fails when told to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from time_machine import TimeMachineFixture

from clusters.engines.base import Observed, Pool, Removal, Wanted
from clusters.engines.simulated import SimulatedEngine
from pks_portal.errors import Conflict, PortalError, Unavailable

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ID = UUID("0190f6a0-0000-7000-8000-000000000001")


def wish(nodes: int = 3, *, cluster_id: UUID = ID) -> Wanted:
    pool = Pool(name="default", nodes=nodes, vcpu=2, memory_gib=4)
    return Wanted(
        id=cluster_id, name="pay-dev", namespace="t-1", cloud="sim", version="1.37.2", control_plane=1, pools=(pool,)
    )


class Clock:
    """A clock that a test moves, and an engine made anew for each call, as another worker would."""

    def __init__(self, traveller: TimeMachineFixture, root: Path) -> None:
        self.traveller, self.root = traveller, root

    def engine(self, **options: Any) -> SimulatedEngine:
        return SimulatedEngine(root=self.root, **options)

    def begin(self, wanted: Wanted) -> None:
        self.engine().begin(wanted)

    def until_settled(self, wanted: Wanted, **options: Any) -> list[Observed]:
        """Apply and observe every 20 ms until settled; return all that was seen."""
        self.begin(wanted)
        seen: list[Observed] = []
        while not (seen and seen[-1].settled):
            assert len(seen) < 500
            self.engine(**options).apply(wanted)
            seen.append(self.engine(**options).observe(wanted))
            self.traveller.shift(0.02)
        return seen

    def until_removed(self, cluster_id: UUID = ID) -> list[Removal]:
        seen: list[Removal] = []
        while not (seen and seen[-1].done):
            assert len(seen) < 100
            seen.append(self.engine().remove(cluster_id))
            self.traveller.shift(0.02)
        return seen


@pytest.fixture
def clock(tmp_path: Path, time_machine: TimeMachineFixture) -> Clock:
    time_machine.move_to(START, tick=False)
    return Clock(time_machine, tmp_path)


def names(seen: Observed) -> list[str]:
    return [node.name for node in seen.nodes]


def test_create_goes_through_its_steps_in_order(clock: Clock) -> None:
    seen = clock.until_settled(wish())
    assert list(seen[-1].steps) == [step.name for step in clock.engine().steps("create")]
    for before, after in pairwise(seen):
        assert all(after.steps[step] >= share for step, share in before.steps.items())
        assert len(before.nodes) <= len(after.nodes)
    for one in seen:
        shares = list(one.steps.values())
        assert all(early == 1 or late == 0 for early, late in pairwise(shares))
        assert one.healthy == (one.steps["control-plane"] == 1) == bool(one.version)
    assert 1 <= len(seen) * 0.02 <= 2
    assert names(seen[-1]) == ["pay-dev-default-1", "pay-dev-default-2", "pay-dev-default-3"]
    assert all(node.ready and node.simulated and node.version == "1.37.2" for node in seen[-1].nodes)
    assert any(not node.ready for one in seen for node in one.nodes)


def test_same_seed_same_pace_other_seed_other_pace(clock: Clock) -> None:
    lengths = []
    for seed in (7, 7, 8):
        lengths.append(
            [
                {name: round(share, 3) for name, share in one.steps.items()}
                for one in clock.until_settled(wish(), seed=seed)
            ]
        )
        clock.until_removed()
    assert lengths[0] == lengths[1] != lengths[2]


def test_pace_stretches_time(clock: Clock) -> None:
    wanted = wish(cluster_id=UUID(int=1))
    quick = len(clock.until_settled(wanted, pace=0.5))
    clock.until_removed(UUID(int=1))
    assert len(clock.until_settled(wanted, pace=1.5)) == pytest.approx(3 * quick, abs=3)


def test_scale_up_and_down_keeps_the_first_nodes(clock: Clock) -> None:
    created = {node.name: node.created for node in clock.until_settled(wish(3))[-1].nodes}
    more = clock.until_settled(wish(6))
    assert list(more[-1].steps) == ["nodes", "ready"]
    assert len(more[-1].nodes) == 6
    assert {node.name: node.created for node in more[-1].nodes}.items() >= created.items()
    less = clock.until_settled(wish(2))
    assert names(less[-1]) == ["pay-dev-default-1", "pay-dev-default-2"]
    assert all(one.healthy for one in more + less)
    assert [len(one.nodes) for one in less] == sorted((len(one.nodes) for one in less), reverse=True)
    assert any(not node.schedulable for one in less for node in one.nodes)


def test_a_wish_changed_midway_is_reached_too(clock: Clock) -> None:
    wanted = wish(10)
    clock.begin(wanted)
    clock.engine().apply(wanted)
    clock.traveller.shift(1.05)
    midway = clock.engine().observe(wanted)
    assert 0 < len(midway.nodes) < 10
    assert [len(one.nodes) for one in clock.until_settled(wish(2))][-1] == 2
    clock.engine().apply(wish(8))
    clock.traveller.shift(0.2)
    assert not clock.engine().observe(wish(8)).settled
    assert len(clock.until_settled(wish(4))[-1].nodes) == 4


def test_calls_repeated_are_harmless(clock: Clock) -> None:
    last = clock.until_settled(wish())[-1]
    for _ in range(3):
        clock.engine().apply(wish())
        clock.traveller.shift(5)
        assert clock.engine().observe(wish()) == last


@pytest.mark.parametrize("step", ["host", "certificates", "control-plane", "nodes", "ready"])
def test_it_fails_at_the_step_it_was_told(clock: Clock, step: str) -> None:
    with pytest.raises(PortalError) as raised:
        clock.until_settled(wish(), fail_at=f"create.{step}")
    assert raised.value.facts == {"step": step}
    assert not isinstance(raised.value, Unavailable)
    shares = clock.engine(fail_at=step).observe(wish()).steps
    assert [share == 1 for share in shares.values()] == [name < list(shares).index(step) for name in range(len(shares))]
    assert clock.until_settled(wish())[-1].healthy


def test_scale_and_delete_fail_too(clock: Clock) -> None:
    clock.until_settled(wish(3), fail_at="scale.nodes")
    with pytest.raises(PortalError):
        clock.until_settled(wish(5), fail_at="scale.nodes")
    with pytest.raises(PortalError, match="processes"):
        clock.engine(fail_at="delete.processes").remove(ID)
    assert clock.until_removed()[-1].done


def test_outages_come_first_and_end(clock: Clock) -> None:
    clock.begin(wish())
    for _ in range(2):
        with pytest.raises(Unavailable):
            clock.engine(outages=2).apply(wish())
        assert not clock.engine(outages=2).observe(wish()).settled
    assert clock.until_settled(wish(), outages=2)[-1].healthy


def test_remove_takes_time_and_leaves_nothing(clock: Clock) -> None:
    clock.until_settled(wish())
    seen = clock.until_removed()
    assert len(seen) > 2
    assert list((clock.root / "clusters").iterdir()) == []
    assert clock.engine().remove(ID).done
    assert not clock.engine().observe(wish()).exists


def test_remove_of_one_half_made(clock: Clock) -> None:
    clock.begin(wish())
    clock.engine().apply(wish())
    assert clock.engine().observe(wish()).exists
    clock.engine().remove(ID)
    with pytest.raises(Conflict):
        clock.engine().apply(wish())
    assert clock.until_removed()[-1].done


def test_what_is_not_ours_is_named_and_kept(clock: Clock) -> None:
    clock.until_settled(wish())
    foreign = clock.root / "clusters" / str(ID) / "notes.txt"
    foreign.touch()
    clock.engine().remove(ID)
    clock.traveller.shift(5)
    removal = clock.engine().remove(ID)
    assert not removal.done
    assert [str(foreign) in str(said) for said in removal.left] == [True]
    foreign.unlink()
    assert clock.engine().remove(ID).done


def test_preview_names_the_nodes(clock: Clock) -> None:
    engine = clock.engine()
    assert engine.preview(None, wish(2)).nodes_added == ["pay-dev-default-1", "pay-dev-default-2"]
    assert engine.preview(wish(3), wish(1)).nodes_removed == ["pay-dev-default-2", "pay-dev-default-3"]
    assert not (clock.root / "clusters").exists()


def test_it_says_what_it_is(clock: Clock) -> None:
    engine = clock.engine()
    assert engine.capabilities().simulated_control_plane
    assert not engine.capabilities().credentials
    with pytest.raises(Conflict) as raised:
        engine.credentials(wish(), holder="li.na", level="view", ttl=timedelta(hours=1))
    assert "pay-dev" in raised.value.detail
    engine.revoke(ID, "nothing")


def test_a_budget_keeps_nodes_until_it_is_forced(clock: Clock) -> None:
    clock.until_settled(wish(3), budget=True)
    fewer, engine = wish(1), clock.engine(budget=True)
    for _ in range(3):
        engine.apply(fewer)
        seen = engine.observe(fewer)
        clock.traveller.shift(10)
    assert (len(seen.nodes), seen.settled, seen.steps["nodes"]) == (3, False, 0.0)
    assert seen.blocked is not None
    assert "pay-dev-default-3, pay-dev-default-2" in str(seen.blocked.said)
    engine.apply(replace(fewer, force=seen.blocked.names))  # forced once, it stays forced
    assert clock.until_settled(fewer, budget=True)[-1].blocked is None
    again = clock.until_settled(wish(2), budget=True)[-1]
    assert (len(again.nodes), again.blocked) == (2, None)
    engine.apply(fewer)
    assert engine.observe(fewer).blocked is not None  # another change is forced anew, or not
