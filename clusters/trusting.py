"""The task that has a cluster of an older release trust the portal as issuer, and the sweep over all that follow."""

from contextlib import suppress

from celery import shared_task
from django.db import transaction
from django.db.models import Q

from clusters import emergency, fleet, following
from clusters.models import Cluster
from pks_portal.errors import Conflict
from pks_portal.operations import runner
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import Turn
from pks_portal.operations.models import Operation
from pks_portal.operations.tasks import submit
from tenants import issuer
from tenants.access import require
from tenants.models import Tenant, User

STEPS = [("trust", 1), ("verify-trust", 3)]


@shared_task(ignore_result=True, name="clusters.tasks.follow")
def sweep() -> None:
    """Find what a lost message or a cluster that was away left undone."""
    emergency.end_overdue()
    following.withdraw(Q())
    start_all()
    for cluster in following.behind():
        queue = fleet.queue_of(cluster.cloud)
        following.follow_cluster.apply_async((str(cluster.pk),), queue=queue, expires=following.EXPIRE_SECONDS)


def start_all() -> None:
    """Start the task for each cluster that was made before; one that is busy is left for the next call.

    Engines that give no credentials have no API that could trust anybody: their clusters follow without a task.
    """
    rows = Cluster.objects.filter(followed=following.BEFORE, status__in=following.REACHABLE)
    busy = Operation.objects.filter(status__in=Operation.UNFINISHED).values("subject_id")
    for cluster in rows.exclude(pk__in=busy).select_related("cloud", "tenant", "plan"):
        if not _has_api(cluster):
            Cluster.objects.filter(pk=cluster.pk).update(followed="")
            continue
        with suppress(Conflict):
            start(cluster)


def retry(actor: User, earlier: Operation) -> Operation:
    """Start a failed one anew. Raises Forbidden, Conflict (busy, or the cluster is gone)."""
    if (cluster := Cluster.objects.filter(pk=earlier.subject_id).first()) is None:
        raise Conflict("error.subject_gone", name=earlier.subject_name)
    require(actor, "cluster.scale", cluster.tenant)
    return start(cluster, actor)


@transaction.atomic
def start(cluster: Cluster, actor: User | None = None) -> Operation:
    """Start the task for one cluster. Raises Conflict when it is busy."""
    Tenant.objects.select_for_update(no_key=True).get(pk=cluster.tenant_id)
    new = operations.NewOperation(
        kind="cluster.trust",
        subject_type="cluster",
        subject_id=cluster.pk,
        subject_name=cluster.name,
        steps=STEPS,
        engine=cluster.cloud.kind,
        plan=cluster.plan.slug,
        queue=fleet.queue_of(cluster.cloud),
    )
    operation = operations.start(new, tenant=cluster.tenant, actor=actor)
    submit(operation)
    return operation


def turn(operation: Operation) -> Turn:
    """Put trust and grants in force, then ask the cluster's API whether it knows the bearer of our own token."""
    rows = Cluster.objects.select_related("tenant", "plan", "cloud").prefetch_related("pools")
    cluster = rows.get(pk=operation.subject_id)
    moved = following.follow(cluster) and operations.advance_steps(operation, {"trust": 1.0})
    wanted = fleet.wanted_of(cluster)
    if wanted.trust is not None and _has_api(cluster):
        token = issuer.sign(issuer.PORTAL, cluster.pk, []).token
        if fleet.engine_of(cluster.cloud).identify(wanted, token) is None:
            return runner.soon(moved=moved, idle_for=operations.idle_seconds(operation))
    operations.advance_steps(operation, {"trust": 1.0, "verify-trust": 1.0})
    return Turn(done=True)


def _has_api(cluster: Cluster) -> bool:
    return fleet.engine_of(cluster.cloud).capabilities().credentials
