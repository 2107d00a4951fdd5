"""Two hundred deeds from twenty processes at once: creates, scales, approvals, expiries, deletes; on both databases.

No quota is exceeded, no wish is lost or done twice, nothing deadlocks, and every caller is answered.
"""

import multiprocessing
import random
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.db import connections
from django.utils import timezone

from clusters import held, services, starting, wishes
from clusters.models import Cloud, Cluster, Plan
from pks_portal.errors import PortalError, QuotaExceeded
from pks_portal.operations import commands, runner
from pks_portal.operations.models import Operation
from tenants import grants, quotas, requests
from tenants.models import QuotaGrant, QuotaRequest, Reservation, Role, Tenant, User
from tests.factories import CloudFactory, MembershipFactory, PlanFactory, PlatformGrantFactory, TenantFactory

pytestmark = pytest.mark.django_db(transaction=True)
PROCESSES, EACH = 20, 10
SECONDS = 120
Chance = random.Random
Answer = tuple[str, str, str]
"""(deed, how it was answered, the id of the task that was made)"""


def operator() -> User:
    return User.objects.get(username="operator")


def tenant() -> Tenant:
    return Tenant.objects.get(slug="crowded")


def create(chance: Chance, name: str) -> Any:
    wish = wishes.NewCluster(
        name=name, plan=Plan.objects.get(), nodes=chance.randint(1, 6), version="1.37.2", cloud=Cloud.objects.get()
    )
    try:
        return services.create_cluster(operator(), tenant(), wish)[0]
    except QuotaExceeded:
        return held.create_cluster(operator(), tenant(), wish, held.Asking(reason="more"))[0]


def scale(chance: Chance, _name: str) -> Any:
    rows = list(Cluster.objects.select_related("tenant", "plan", "cloud").filter(status="running"))
    if not rows:
        return create(chance, _name)
    cluster, nodes = chance.choice(rows), chance.randint(1, 10)
    try:
        return services.scale_cluster(operator(), cluster, nodes)
    except QuotaExceeded:
        return held.scale_cluster(operator(), cluster, nodes, held.Asking())[0]


def approve(chance: Chance, _name: str) -> None:
    if not (rows := list(QuotaRequest.objects.filter(status="pending"))):
        return
    request = chance.choice(rows)
    amounts = {line.kind: chance.randint(0, line.asked) for line in request.lines.all()}
    soon = timezone.now() + timedelta(milliseconds=chance.randint(50, 500))
    requests.approve(User.objects.get(username="boss"), request, amounts, expires_at=chance.choice([None, soon]))
    starting.settle(request.wish or "")


def expire(_chance: Chance, _name: str) -> None:
    grants.end_due()
    starting.sweep_held()
    task = Operation.objects.filter(status__in=Operation.UNFINISHED).order_by("?").first()
    if task is not None:
        runner.run(str(task.pk))


def undo(chance: Chance, _name: str) -> Any:
    """Give up a held wish, or delete a cluster and with it what is held for it."""
    tasks = list(Operation.objects.filter(status="held").select_related("tenant"))
    rows = list(Cluster.objects.select_related("tenant", "plan", "cloud"))
    if rows and chance.random() < 0.5:
        return services.delete_cluster(operator(), chance.choice(rows))
    if tasks:
        commands.cancel(operator(), chance.choice(tasks))
    return None


DEEDS = [create, scale, approve, expire, undo]


def process(number: int, start: Barrier, answers: Connection) -> None:
    """Do one's share of the deeds as fast as one can, and tell how each was answered."""
    connections.close_all()
    chance = Chance(number)
    start.wait(30)
    for turn in range(EACH):
        deed = DEEDS[(number + turn) % len(DEEDS)]
        answers.send((deed.__name__, *answered(deed, chance, f"c{number}-{turn}")))
    connections.close_all()
    answers.close()


def answered(deed: Callable[[Chance, str], Any], chance: Chance, name: str) -> tuple[str, str]:
    try:
        task = deed(chance, name)
    except (PortalError, ValidationError) as refusal:
        return type(refusal).__name__, ""
    except Exception:  # noqa: BLE001 - told, and found below
        return f"BROKEN {traceback.format_exc()}", ""
    return "done", str(task.pk) if task else ""


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the figures in the transaction of each reservation, and let workers' messages be lost: sweeps do it."""
    reserve = quotas.reserve

    def watched(of: Tenant, subject: Any, wanted: Any) -> None:
        before = {line.kind: line for line in quotas.lines(quotas.lock(of))}
        reserve(of, subject, wanted)
        for line in quotas.lines(of):
            earlier = before[line.kind]
            limit = max(line.limit or 0, earlier.limit or 0)
            assert (line.used or 0) <= max(limit, earlier.used or 0), line

    monkeypatch.setattr("tenants.quotas.reserve", watched)
    monkeypatch.setattr("clusters.services.submit", lambda _task: None)
    monkeypatch.setattr("pks_portal.operations.commands.submit", lambda _task: None)
    monkeypatch.setattr("clusters.tasks.submit", lambda _task: None)
    monkeypatch.setattr("tenants.requests.send_soon", lambda *_args: None)


@pytest.fixture
def crowd(kept: None) -> Iterator[Callable[[], list[Answer]]]:
    """Return what lets the processes loose and returns all their answers."""
    context = multiprocessing.get_context("fork")
    started: list[Any] = []

    def loose() -> list[Answer]:
        connections.close_all()
        start, ends = context.Barrier(PROCESSES), []
        for number in range(PROCESSES):
            here, there = context.Pipe(duplex=False)
            started.append(context.Process(target=process, args=(number, start, there), daemon=True))
            started[-1].start()
            there.close()
            ends.append(here)
        return [answer for end in ends for answer in all_of(end)]

    yield loose
    for one in started:
        one.join(5)
        one.kill()


def all_of(end: Connection) -> Iterator[Answer]:
    """Yield what a process tells, until it is through; one that tells nothing for long is stuck."""
    while True:
        assert end.poll(SECONDS), "a process was not answered"
        try:
            yield end.recv()
        except EOFError:
            return


def world() -> None:
    TenantFactory.create(slug="crowded", quota={"clusters": 8, "nodes": 16, "vcpu": 40, "memory_gib": 80})
    MembershipFactory.create(tenant=tenant(), user__username="operator", role=Role.OPERATOR)
    PlatformGrantFactory.create(user__username="boss")
    CloudFactory.create()
    PlanFactory.create()


def test_a_stampede_is_answered_and_loses_nothing(crowd: Callable[[], list[Answer]], work: Callable[..., None]) -> None:
    world()
    answers = crowd()
    counted = Counter((deed, said) for deed, said, _task in answers)
    assert len(answers) == PROCESSES * EACH
    assert not [said for _deed, said, _task in answers if said.startswith("BROKEN")], counted
    assert {deed for deed, said, _task in answers if said == "done"} == {deed.__name__ for deed in DEEDS}
    told = {task for _deed, _said, task in answers if task}
    assert told == {str(pk) for pk in Operation.objects.filter(actor=operator()).values_list("pk", flat=True)}
    Operation.objects.update(lease_until=None)
    work()
    sane()
    for request in QuotaRequest.objects.filter(status="pending"):  # the rest, generously
        asked = {line.kind: line.asked for line in request.lines.all()}
        requests.approve(User.objects.get(username="boss"), request, asked)
    for later in range(1, 6):
        with time_machine.travel(timezone.now() + timedelta(minutes=later)):
            starting.sweep_held()
            work()
    grants.end_due()
    sane()
    for task in Operation.objects.filter(status="held"):  # only what there is no room for waits on, and says so
        assert task.waiting_key == "held.short"


def sane() -> None:
    """Each wish is one task with one end, each cluster has one beginning and claims what it is, and grants are once."""
    for task in Operation.objects.all():
        assert list(task.events.values_list("seq", flat=True)) == list(range(1, task.last_seq + 1))
        assert task.events.filter(key="held.started").count() <= 1
        assert (
            task.events.filter(key__in=["event.succeeded", "event.failed", "event.cancelled", "held.lapsed"]).count()
            == task.ended
        )
        if task.kind == "cluster.create":
            begun = task.events.filter(key__in=["event.queued", "held.started"]).exists()
            deleted = Operation.objects.filter(subject_id=task.subject_id, kind="cluster.delete").exists()
            assert Cluster.objects.filter(pk=task.subject_id).exists() == (begun and not deleted)
    claims = set(Reservation.objects.values_list("subject", flat=True))
    assert claims == set(Cluster.objects.values_list("pk", flat=True))
    for cluster in Cluster.objects.all():
        assert Operation.objects.filter(subject_id=cluster.pk, kind="cluster.create").count() == 1
        assert Reservation.objects.get(subject=cluster.pk, kind="nodes").amount == cluster.nodes
    for request in QuotaRequest.objects.all():
        assert Operation.objects.filter(pk=request.wish).count() == 1
        granted = {line.kind: line.granted for line in request.lines.all() if line.granted}
        assert dict(QuotaGrant.objects.filter(request=request).values_list("kind", "amount")) == granted
