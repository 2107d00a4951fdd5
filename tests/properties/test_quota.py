"""Whatever is asked, in whatever order, whatever fails or dies: no quota is overdrawn, and the end leaves no claim."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from clusters import services, wishes
from clusters.models import Cloud, Cluster, Plan
from pks_portal.errors import PortalError
from pks_portal.operations import commands, runner
from pks_portal.operations.models import Operation
from tenants.models import QuotaKind, QuotaLimit, Reservation, Role
from tests.factories import CloudFactory, MembershipFactory, PlanFactory, TenantFactory

LIMITS = {"clusters": 2, "nodes": 8, "vcpu": 14, "memory_gib": 30}
START = datetime(2026, 6, 1, tzinfo=UTC)
FOR_EVER = 10_000
ACTIONS = st.one_of(
    st.tuples(st.just("create"), st.sampled_from("ab"), st.integers(1, 5)),
    st.tuples(st.just("scale"), st.sampled_from("ab"), st.integers(1, 9)),
    st.tuples(st.just("delete"), st.sampled_from("ab"), st.just(0)),
    st.tuples(st.just("cancel"), st.sampled_from("ab"), st.just(0)),
    st.tuples(st.just("retry"), st.sampled_from("ab"), st.just(0)),
    st.tuples(st.just("fail"), st.sampled_from(["", "nodes", "control-plane"]), st.just(0)),
    st.tuples(st.just("work"), st.sampled_from("ab"), st.sampled_from([1, 3, 8, FOR_EVER])),
)


class Killed(BaseException):
    """The worker dies, as by SIGKILL: nothing is cleaned up."""


class World:
    """A tenant with two names for clusters, one operator, and a worker that is driven by hand and clock."""

    def __init__(self, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.turns = clock, 0
        monkeypatch.setattr("pks_portal.operations.runner.time.sleep", self._sleep)
        monkeypatch.setattr("pks_portal.operations.runner.RENEW_SECONDS", FOR_EVER)  # this clock is not the lease's
        member = MembershipFactory.create(tenant=TenantFactory.create(quota=LIMITS), role=Role.ADMIN)
        self.actor, self.tenant = member.user, member.tenant
        self.cloud: Cloud = CloudFactory.create(options={"pace": 1.0})
        self.plan: Plan = PlanFactory.create()

    def _sleep(self, seconds: float) -> None:
        self.clock.shift(seconds)
        self.turns -= 1
        if self.turns < 0:
            raise Killed

    def do(self, action: str, what: str, number: int) -> None:
        """Do one thing; a refusal is an answer too."""
        with suppress(PortalError, ValidationError):
            getattr(self, action)(what, number)

    def create(self, name: str, nodes: int) -> None:
        wish = wishes.NewCluster(name=name, plan=self.plan, nodes=nodes, version="1.37.2", cloud=self.cloud)
        services.create_cluster(self.actor, self.tenant, wish)

    def scale(self, name: str, nodes: int) -> None:
        for cluster in self._named(name):
            services.scale_cluster(self.actor, cluster, nodes)

    def delete(self, name: str, _number: int) -> None:
        for cluster in self._named(name):
            services.delete_cluster(self.actor, cluster)

    def cancel(self, name: str, _number: int) -> None:
        for task in Operation.objects.filter(subject_name=name, status__in=Operation.UNFINISHED):
            commands.cancel(self.actor, task)

    def retry(self, name: str, _number: int) -> None:
        if task := Operation.objects.filter(subject_name=name).order_by("-created_at").first():
            commands.retry(self.actor, task)

    def fail(self, step: str, _number: int) -> None:
        """From now on the engine fails at this step; at none when it is empty."""
        self.cloud.options = {"pace": 1.0, "fail_at": step}
        self.cloud.save()

    def work(self, name: str, turns: int) -> None:
        """Carry the tasks of a cluster on for some turns, then die."""
        self.turns = turns
        for _ in range(turns):
            unfinished = Operation.objects.filter(subject_name=name, status__in=Operation.UNFINISHED)
            if (task := unfinished.order_by("due_at", "created_at").first()) is None or self.turns < 0:
                return
            self.clock.shift(max(0.0, (task.due_at - datetime.now(UTC)).total_seconds()) + 0.001)
            with suppress(Killed):
                if runner.run(str(task.pk)) is None and task.lease_until:
                    self.clock.shift(10)  # a dead worker's lease has to run out

    def _named(self, name: str) -> list[Cluster]:
        return list(Cluster.objects.select_related("tenant", "plan", "cloud").filter(name=name))

    def check(self) -> None:
        rows = Reservation.objects.filter(tenant=self.tenant).values("kind").annotate(total=Sum("amount"))
        reserved = {row["kind"]: row["total"] for row in rows}
        assert all(reserved[kind] <= LIMITS[kind] for kind in reserved), reserved
        clusters = {cluster.pk: cluster.nodes for cluster in Cluster.objects.prefetch_related("pools")}
        nodes = dict(Reservation.objects.filter(kind="nodes").values_list("subject", "amount"))
        assert nodes.keys() == clusters.keys()  # no claim without a cluster, no cluster without a claim
        assert all(nodes[pk] >= wanted for pk, wanted in clusters.items())

    def settle(self) -> None:
        """Let all work end with nothing failing any more."""
        self.fail("", 0)
        for name in "ab":
            self.work(name, FOR_EVER)
        assert not Operation.objects.filter(status__in=Operation.UNFINISHED).exists()


@pytest.fixture
def again(db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Iterator[World]]:
    def again() -> Iterator[World]:
        with time_machine.travel(START, tick=False) as clock, transaction.atomic():
            yield World(clock, monkeypatch)
            transaction.set_rollback(True)

    return again


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(actions=st.lists(ACTIONS, min_size=4, max_size=14))
def test_quota_is_never_overdrawn_and_nothing_is_left(
    again: Callable[[], Iterator[World]], actions: list[tuple[str, str, int]]
) -> None:
    for world in again():
        for action in actions:
            world.do(*action)
            world.check()
        world.settle()
        world.check()
        for cluster in Cluster.objects.filter(status=Cluster.Status.RUNNING):
            assert Reservation.objects.get(subject=cluster.pk, kind="nodes").amount == cluster.nodes
        for name in "ab":
            world.do("delete", name, 0)
        world.settle()
        assert not Cluster.objects.exists()
        assert not Reservation.objects.exists()
        assert QuotaLimit.objects.filter(tenant=world.tenant).count() == len(QuotaKind)
