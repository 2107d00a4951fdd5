"""Many hands on one cluster at the same time: locks are taken in one order (operation, tenant, cluster).

On PostgreSQL another order ends in "deadlock detected"; SQLite has one lock, and shows that the rows stay sane.
"""

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError, close_old_connections, connections
from django.db.models import Count, Sum
from django.utils import timezone

from clusters import services, tasks, wishes
from clusters.models import Cluster, NodePool, StateInterval
from pks_portal.errors import PortalError
from pks_portal.operations import commands, runner
from pks_portal.operations.models import Operation
from tenants.models import QuotaLimit, Reservation
from tests.factories import CloudFactory, MembershipFactory, PlanFactory

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 30.0
DEEDS = ("create", "scale", "cancel", "retry", "work", "take_over", "delete", "look")
OFTEN = 3
NAMES = ("one", "two")


def create(member, chance):
    wanted = wishes.NewCluster(
        name=chance.choice(NAMES), plan=PlanFactory.create(), nodes=chance.randint(1, 4), version="1.37.2",
        cloud=CloudFactory.create(),
    )  # fmt: skip
    services.create_cluster(member.user, member.tenant, wanted, request_key=chance.choice(["", str(chance.random())]))


def scale(member, chance):
    services.scale_cluster(member.user, some_cluster(chance), chance.randint(1, 9))


def delete(member, chance):
    if chance.random() < 0.05:
        services.delete_cluster(member.user, some_cluster(chance))


def label(member, chance):
    services.set_labels(member.user, some_cluster(chance), {"n": str(chance.randint(1, 9))})


def cancel(member, chance):
    commands.cancel(member.user, some_task(chance, Operation.UNFINISHED))


def retry(member, chance):
    newest = Operation.objects.filter(status__in=["failed", "cancelled"]).select_related("tenant").first()
    if newest is None:
        raise Operation.DoesNotExist
    commands.retry(member.user, newest)


def look(member, chance):
    tasks.look(some_cluster(chance))


def take_over(member, chance):
    """Let a lease be over, as if its worker were dead, and carry the task on as another worker."""
    task = some_task(chance, Operation.UNFINISHED)
    Operation.objects.filter(pk=task.pk).update(lease_until=timezone.now(), due_at=timezone.now())
    runner.run(str(task.pk))


def work(member, chance):
    runner.run(str(some_task(chance, Operation.UNFINISHED).pk))


def some_cluster(chance):
    rows = list(Cluster.objects.select_related("tenant", "plan", "cloud").prefetch_related("pools"))
    if not rows:
        raise Cluster.DoesNotExist
    return chance.choice(rows)


def some_task(chance, statuses):
    rows = list(Operation.objects.filter(status__in=statuses).select_related("tenant"))
    if not rows:
        raise Operation.DoesNotExist
    return chance.choice(rows)


GONE = (Cluster.DoesNotExist, NodePool.DoesNotExist, Operation.DoesNotExist)
HANDS = [create, scale, scale, delete, label, cancel, retry, look, take_over, take_over, work, work]


def one_hand(deed, member, ended, stop):
    """Do one thing over and over; count what became of it. Refusals are answers, database errors are not."""
    chance = random.Random()  # noqa: S311 - not for secrets
    while not stop.is_set():
        try:
            deed(member, chance)
            ended[deed.__name__, "done"] += 1
            stop.wait(0.01)
        except (PortalError, ValidationError, *GONE) as refusal:
            ended[deed.__name__, type(refusal).__name__] += 1
            stop.wait(0.005)
        except OperationalError as error:
            ended[deed.__name__, f"BROKEN {error}"] += 1
        finally:
            close_old_connections()
    connections.close_all()


def test_all_at_once_end_without_a_deadlock_and_with_sane_rows(work, monkeypatch, caplog):
    monkeypatch.setattr("clusters.services.submit", lambda _task: None)
    monkeypatch.setattr("clusters.tasks.submit", lambda _task: None)
    monkeypatch.setattr("pks_portal.operations.commands.submit", lambda _task: None)
    member = MembershipFactory.create()
    CloudFactory.create()
    PlanFactory.create()
    stop = threading.Event()
    ended: Counter[tuple[str, str]] = Counter()
    with ThreadPoolExecutor(len(HANDS)) as pool:
        hands = [pool.submit(one_hand, deed, member, ended, stop) for deed in HANDS]
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not all(ended[deed, "done"] >= OFTEN for deed in DEEDS):
            stop.wait(0.05)
        stop.set()
        for hand in hands:
            hand.result(60)
    assert not [what for what in ended if what[1].startswith("BROKEN")], ended
    assert "hit a bug" not in caplog.text
    assert all(ended[deed, "done"] for deed in DEEDS), ended
    sane(member.tenant)
    settle(work)
    sane(member.tenant)
    assert not Operation.objects.filter(status__in=Operation.UNFINISHED).exists()
    for cluster in Cluster.objects.all():
        services.delete_cluster(member.user, cluster)
    settle(work)
    assert not Cluster.objects.exists()
    assert not Reservation.objects.exists()
    assert not StateInterval.objects.filter(ended_at=None).exists()


def settle(work):
    """Let what is left come to its end; the leases of the hands are over."""
    Operation.objects.filter(status__in=Operation.UNFINISHED).update(lease_until=None)
    work()


def sane(tenant):
    """Quota is kept, the story has no gaps, and each cluster has at most one task at work and one open interval."""
    limits = dict(QuotaLimit.objects.filter(tenant=tenant).values_list("kind", "limit"))
    for kind, used in Reservation.objects.values_list("kind").annotate(used=Sum("amount")):
        assert used <= limits[kind]
    subjects = set(Reservation.objects.values_list("subject", flat=True))
    assert subjects == set(Cluster.objects.values_list("pk", flat=True))
    for task in Operation.objects.all():
        assert list(task.events.values_list("seq", flat=True)) == list(range(1, task.last_seq + 1))
    active = Operation.objects.filter(status__in=Operation.ACTIVE).order_by().values_list("subject_id")
    assert not active.annotate(number=Count("pk")).filter(number__gt=1)
    open_now = StateInterval.objects.filter(ended_at=None).order_by().values_list("cluster", flat=True)
    assert sorted(open_now) == sorted(Cluster.objects.values_list("pk", flat=True))
