"""Clusters follow the portal: whom they trust, what roles may do, and whose kubeconfigs are good no longer.

People's roles are in their tokens, which are five minutes old at most, so clusters hear of a role's change only where
it ends a certificate. What is queued here may be lost; the sweep finds it.
"""

import logging
from functools import cache, partial
from typing import Any

from celery import shared_task
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from clusters import fleet, hosts, rights
from clusters.models import Cluster, Kubeconfig
from pks_portal.errors import PortalError
from pks_portal.operations import live
from tenants import audit
from tenants.access import may
from tenants.models import Tenant, User

log = logging.getLogger(__name__)

EXPIRE_SECONDS = 30
Status = Cluster.Status
BEFORE = "never"
"""`Cluster.followed` of clusters that were made before the portal was an issuer: a task switches them over."""
REACHABLE = (Status.RUNNING, Status.DEGRADED, Status.CHANGING)


@shared_task(ignore_result=True, name="clusters.tasks.follow_roles")
def follow_roles(tenant_ids: list[int]) -> None:
    """Roles changed in these tenants: end the certificates whose holders may not have them any more."""
    withdraw(Q(cluster__tenant__in=tenant_ids))


@shared_task(ignore_result=True, name="clusters.tasks.withdraw_access")
def withdraw_access(user_id: int) -> None:
    """A person has left: end all of their certificates in all clusters."""
    withdraw(Q(holder=user_id))


@shared_task(ignore_result=True)
def follow_cluster(cluster_id: str) -> None:
    """Bring one cluster's trust and grants up to date, on its cloud's host."""
    rows = Cluster.objects.select_related("tenant", "plan", "cloud").prefetch_related("pools")
    if (cluster := rows.filter(pk=cluster_id, status__in=REACHABLE).first()) is None:
        return
    try:
        follow(cluster)
    except PortalError as error:
        log.warning("Cluster %s does not follow yet: %s", cluster_id, error.cause or error)


def follow_soon(cluster: Cluster) -> None:
    """Have a cluster's trust and grants brought up to date once the transaction is committed."""
    queue = fleet.queue_of(cluster.cloud)
    send = partial(follow_cluster.apply_async, (str(cluster.pk),), queue=queue, expires=EXPIRE_SECONDS)
    transaction.on_commit(send)


def follow(cluster: Cluster) -> bool:
    """Put trust and grants in force; say whether they are. Raises Unavailable, Invalid."""
    wanted = fleet.wanted_of(cluster)
    if not fleet.engine_of(cluster.cloud).follow(wanted):
        return False
    Cluster.objects.filter(pk=cluster.pk).update(followed=rights.fingerprint(wanted))
    return True


def behind() -> list[Cluster]:
    """Return the reachable clusters whose trust or grants are not what they should be."""
    rows = Cluster.objects.filter(status__in=REACHABLE).select_related("tenant", "plan", "cloud")
    rows = rows.exclude(followed=BEFORE).prefetch_related("pools")
    return [row for row in rows if row.followed != rights.fingerprint(fleet.wanted_of(row))]


def withdraw(which: Q) -> None:
    """Take the rights of living certificates whose holders may not have them any more, as soon as each cluster lets.

    One that cannot be reached now keeps its row as it is, and is tried again by the next sweep.
    """
    for kubeconfig in _overdue(which):
        try:
            hosts.revoke(kubeconfig.cluster, kubeconfig.name)
        except PortalError as error:
            log.warning("Kubeconfig %s is not withdrawn yet: %s", kubeconfig.pk, error.cause or error)
            continue
        _withdrawn(kubeconfig)


def _overdue(which: Q) -> list[Kubeconfig]:
    @cache
    def allowed(holder: User, action: str, tenant: Tenant) -> bool:
        return bool(may(holder, action, tenant))

    rows = living().filter(which).select_related("holder", "cluster__tenant", "cluster__cloud")
    return [row for row in rows if not allowed(row.holder, _action(row), row.cluster.tenant)]


def _action(row: Kubeconfig) -> str:
    """Return what one must be allowed to have it; when an emergency is over is a matter of emergency.py."""
    return "cluster.emergency" if row.emergency_id else f"kubeconfig.{row.level}"


def living() -> QuerySet[Kubeconfig]:
    """Return the certificates that open something now."""
    now = timezone.now()
    return Kubeconfig.objects.filter(kind=Kubeconfig.Kind.CERTIFICATE, revoked_at=None, expires_at__gt=now)


def _withdrawn(kubeconfig: Kubeconfig) -> None:
    cluster = kubeconfig.cluster
    with transaction.atomic():
        if Kubeconfig.objects.filter(pk=kubeconfig.pk, revoked_at=None).update(revoked_at=timezone.now()):
            facts: dict[str, Any] = {"credential": kubeconfig.name, "holder": kubeconfig.holder.username}
            audit.record(None, "kubeconfig.withdraw", cluster, tenant=cluster.tenant, **facts)
            live.changed_soon("cluster", cluster.pk, cluster.tenant_id)
