"""Whoever asks, decides, expires or sets limits in whatever order: no quota is exceeded, no wish is lost or doubled."""

from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from clusters import held, services, starting, wishes
from clusters.models import Cluster
from pks_portal.errors import Conflict, Forbidden, PortalError, QuotaExceeded
from pks_portal.operations import commands
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import KINDS
from pks_portal.operations.models import Operation
from tenants import grants, quotas, requests
from tenants.models import QuotaRequest, Reservation, Role
from tests.factories import CloudFactory, MembershipFactory, PlanFactory, PlatformGrantFactory, TenantFactory

START = datetime(2026, 6, 1, tzinfo=UTC)
BASE = {"clusters": 2, "nodes": 6, "vcpu": 12, "memory_gib": 30}
NAMES = st.sampled_from("abc")
REFUSALS = (PortalError, ValidationError)


class Requests(RuleBasedStateMachine):
    """A tenant, who asks, who decides, and a model of its limits: a base and what was granted until when."""

    def __init__(self) -> None:
        super().__init__()
        self.around = ExitStack()
        self.around.enter_context(transaction.atomic())
        self.clock = self.around.enter_context(time_machine.travel(START, tick=False))

    @initialize()
    def world(self) -> None:
        self.tenant = TenantFactory.create(quota=BASE)
        self.actor = MembershipFactory.create(tenant=self.tenant, role=Role.ADMIN).user
        self.boss = PlatformGrantFactory.create().user
        self.cloud, self.plan = CloudFactory.create(), PlanFactory.create()
        self.base: dict[str, int | None] = {**BASE}
        self.granted: list[tuple[str, int, datetime | None]] = []
        self.told: set[Any] = set()
        self.used: dict[str, int] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.around.close()

    @rule(name=NAMES, nodes=st.integers(1, 9), least=st.integers(1, 9))
    def create(self, name: str, nodes: int, least: int) -> None:
        wish = wishes.NewCluster(name=name, plan=self.plan, nodes=nodes, version="1.37.2", cloud=self.cloud)
        with suppress(*REFUSALS):
            try:
                task, _cluster = services.create_cluster(self.actor, self.tenant, wish)
            except QuotaExceeded:
                asking = held.Asking(least=min(nodes, least))
                task, request = held.create_cluster(self.actor, self.tenant, wish, asking)
                assert request is not None
            self.told.add(task.pk)

    @rule(name=NAMES, nodes=st.integers(1, 10))
    def scale(self, name: str, nodes: int) -> None:
        for cluster in self.clusters(name):
            with suppress(*REFUSALS):
                try:
                    task = services.scale_cluster(self.actor, cluster, nodes)
                except QuotaExceeded:
                    task, _request = held.scale_cluster(self.actor, cluster, nodes, held.Asking())
                self.told.add(task.pk)

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        for cluster in self.clusters(name):
            with suppress(*REFUSALS):
                self.told.add(services.delete_cluster(self.actor, cluster).pk)

    @rule()
    def finish(self) -> None:
        """All begun work reaches its end."""
        for task in Operation.objects.filter(status__in=Operation.UNFINISHED).order_by("created_at"):
            task.refresh_from_db()
            if task.status == "cancelling":
                operations.end(task, Operation.Status.CANCELLED)
            elif not task.ended:
                KINDS[task.kind].succeeded(task)
                operations.end(task, Operation.Status.SUCCEEDED)

    @rule(kind=st.sampled_from(sorted(BASE)), amount=st.integers(1, 9))
    def ask(self, kind: str, amount: int) -> None:
        with suppress(*REFUSALS):
            requests.ask(self.actor, self.tenant, {kind: amount}, reason="more")

    @rule(number=st.integers(0, 9), share=st.sampled_from([1, 0.5, 1, 2, 0]), hours=st.sampled_from([1, None, 30]))
    def approve(self, number: int, share: float, hours: int | None) -> None:
        if (request := self.request(number)) is None:
            return
        was_open = QuotaRequest.objects.get(pk=request.pk).pending
        amounts = {line.kind: int(line.asked * share) for line in request.lines.all()}
        until = datetime.fromtimestamp(datetime.now(UTC).timestamp() + 3600 * hours, UTC) if hours else None
        with pytest.raises(Forbidden):
            requests.approve(self.actor, request, amounts)
        try:
            requests.approve(self.boss, request, amounts, expires_at=until)
        except Conflict:
            assert not was_open
        except PortalError:
            assert share in {0, 2} or not any(amounts.values())
        else:
            assert was_open
            self.granted += [(kind, amount, until) for kind, amount in amounts.items()]

    @rule(number=st.integers(0, 9))
    def reject(self, number: int) -> None:
        if request := self.request(number):
            with suppress(*REFUSALS):
                requests.reject(self.boss, request, "no")

    @rule(number=st.integers(0, 9))
    def withdraw(self, number: int) -> None:
        if request := self.request(number):
            with suppress(*REFUSALS):
                requests.withdraw(self.actor, request)

    @rule(name=NAMES)
    def cancel(self, name: str) -> None:
        for task in Operation.objects.filter(subject_name=name).exclude(status__in=Operation.ENDED):
            with suppress(*REFUSALS):
                commands.cancel(self.actor, task)

    @rule(kind=st.sampled_from(sorted(BASE)), limit=st.one_of(st.none(), st.integers(0, 30)))
    def set_limits(self, kind: str, limit: int | None) -> None:
        quotas.set_limits(self.boss, self.tenant, {kind: limit})
        self.base[kind] = limit

    @rule(hours=st.sampled_from([2, 40, 0.01]))
    def later(self, hours: float) -> None:
        self.clock.shift(3600 * hours)

    @rule()
    def expire(self) -> None:
        grants.end_due()
        assert grants.end_due() == 0

    @rule(twice=st.booleans())
    def sweep(self, twice: bool) -> None:
        starting.sweep_held()
        if twice:
            starting.sweep_held()

    def clusters(self, name: str) -> list[Cluster]:
        return list(Cluster.objects.select_related("tenant", "plan", "cloud").filter(name=name))

    def request(self, number: int) -> QuotaRequest | None:
        """Return an open request, or where the number is high, any."""
        rows = QuotaRequest.objects.select_related("tenant").order_by("created_at", "pk")
        found = list(rows.filter(status="pending") if number < 8 else rows)
        return found[number % len(found)] if found else None

    @invariant()
    def the_limits_are_the_models(self) -> None:
        now = datetime.now(UTC)
        for kind, limit in quotas.limits_of(self.tenant).items():
            if kind in self.base:
                extra = sum(amount for of, amount, until in self.granted if of == kind and (not until or until > now))
                base = self.base[kind]
                assert limit == (None if base is None else base + extra)

    @invariant()
    def no_quota_is_exceeded(self) -> None:
        """More than before is wanted only up to the limit; what is over a limit that fell may stay."""
        for line in quotas.lines(self.tenant):
            used = line.used or 0
            assert line.limit is None or used <= max(line.limit, self.used.get(line.kind, 0)), line
            self.used[line.kind] = used

    @invariant()
    def no_wish_is_lost_or_doubled(self) -> None:
        assert {task.pk for task in Operation.objects.filter(actor=self.actor)} >= self.told
        for task in Operation.objects.filter(status="held"):
            assert QuotaRequest.objects.get(wish=task.pk).status in {"pending", "approved", "rejected", "withdrawn"}
        for request in QuotaRequest.objects.filter(wish__isnull=False):
            task = Operation.objects.get(pk=request.wish)
            begun = task.events.filter(key="held.started").count()
            assert begun <= (request.status == "approved")
            assert task.status == "held" or not request.pending
        claims = set(Reservation.objects.values_list("subject", flat=True))
        assert claims == set(Cluster.objects.values_list("pk", flat=True))
        for cluster in Cluster.objects.all():
            assert Operation.objects.filter(subject_id=cluster.pk, kind="cluster.create").count() == 1

    @invariant()
    def a_sweep_leaves_nothing_that_was_refused(self) -> None:
        if not hasattr(self, "tenant"):
            return
        for request in QuotaRequest.objects.filter(status__in=["rejected", "withdrawn"], wish__isnull=False):
            starting.settle(request.wish or "")
            assert Operation.objects.get(pk=request.wish).status in {"failed", "cancelled"}


def test_the_rules_of_requests(db: None) -> None:
    run_state_machine_as_test(
        Requests,
        settings=settings(
            max_examples=40, stateful_step_count=30, deadline=None, derandomize=True, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
