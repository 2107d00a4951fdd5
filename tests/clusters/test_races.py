"""Many at once: no quota is overdrawn, no name is taken twice, one subject has one task. Runs on both databases."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.exceptions import ValidationError
from django.db import connections

from clusters import services, wishes
from clusters.models import Cluster
from pks_portal.errors import Conflict, QuotaExceeded
from pks_portal.operations.models import Operation
from tenants.models import Reservation
from tests.factories import CloudFactory, ClusterFactory, MembershipFactory, PlanFactory

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 8


def at_once(calls):
    """Run all calls at the same time and count how each ended: "done" or the name of the error."""

    def one(call):
        try:
            call()
        except (Conflict, ValidationError) as exc:
            return type(exc).__name__
        else:
            return "done"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return Counter(pool.map(one, calls))


def wish(name, nodes=1):
    return wishes.NewCluster(
        name=name, plan=PlanFactory.create(), nodes=nodes, version="1.37.2", cloud=CloudFactory.create()
    )


def test_no_more_clusters_than_the_quota():
    member = MembershipFactory.create()
    wishes = [wish(f"c{number}") for number in range(CROWD)]
    ended = at_once(
        [lambda wanted=wanted: services.create_cluster(member.user, member.tenant, wanted) for wanted in wishes]
    )
    assert ended == {"done": 4, QuotaExceeded.__name__: CROWD - 4}
    assert Cluster.objects.count() == Operation.objects.count() == 4
    assert Reservation.objects.filter(kind="clusters").count() == 4


def test_one_name_goes_to_one():
    member = MembershipFactory.create()
    wanted = wish("same")
    ended = at_once([lambda: services.create_cluster(member.user, member.tenant, wanted)] * CROWD)
    assert ended == {"done": 1, "ValidationError": CROWD - 1}
    assert Cluster.objects.count() == Operation.objects.count() == 1


def test_a_double_click_is_one_cluster():
    member = MembershipFactory.create()
    wanted = wish("clicked")
    made = []

    def click():
        made.append(services.create_cluster(member.user, member.tenant, wanted, request_key="form-1")[0].pk)

    assert at_once([click] * CROWD) == {"done": CROWD}
    assert len(set(made)) == 1
    assert Cluster.objects.count() == 1


def test_one_change_at_a_time():
    member = MembershipFactory.create()
    cluster = ClusterFactory.create(tenant=member.tenant)
    sizes = range(4, 4 + CROWD - 2)
    ended = at_once([lambda size=size: services.scale_cluster(member.user, cluster, size) for size in sizes])
    assert ended["done"] == 1
    assert Operation.objects.filter(status__in=Operation.UNFINISHED).count() == 1
    cluster.refresh_from_db()
    assert cluster.nodes == Operation.objects.get().wanted["nodes"]
