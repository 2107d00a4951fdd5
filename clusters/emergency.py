"""Emergency access: how a platform administrator enters a tenant's cluster, seen by everybody whom it concerns.

Nothing else lets them in. It ends by itself: its certificate ends with it, and the sweep takes its binding away.
"""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from clusters import hosts
from clusters.engines.base import Credential
from clusters.models import Cluster, EmergencyAccess, Kubeconfig
from pks_portal.errors import Conflict, Invalid
from pks_portal.operations import live
from tenants import audit, notices
from tenants.access import people_where, require
from tenants.models import Role, User

LONGEST_MINUTES: Final = 60
SHORTEST_REASON: Final = 10  # characters: "incident 7" is one, "x" is none


def enter(actor: User, cluster: Cluster, *, reason: str, minutes: int) -> tuple[EmergencyAccess, Credential]:
    """Let a platform administrator into a tenant's cluster as its administrator, for at most an hour.

    The kubeconfig is shown once. The tenant's administrators are told. Raises Forbidden, Invalid, Conflict (it is open
    already, or the cluster has no API), Unavailable.
    """
    require(actor, "cluster.emergency", cluster.tenant)
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise Invalid("error.emergency_reason", field="reason", least=SHORTEST_REASON)
    if not 1 <= minutes <= LONGEST_MINUTES:
        raise Invalid("error.emergency_minutes", field="minutes", minutes=minutes, most=LONGEST_MINUTES)
    if not cluster.endpoint or cluster.status == Cluster.Status.DELETING:
        raise Conflict("error.no_api_yet", name=cluster.name)
    access = _opened(actor, cluster, reason[:500], timedelta(minutes=minutes))
    try:
        ttl = access.ends_at - timezone.now()
        credential = hosts.credentials(cluster, holder=actor.username, level=Kubeconfig.Level.ADMIN, ttl=ttl)
    except BaseException:
        EmergencyAccess.objects.filter(pk=access.pk).update(ended_at=timezone.now())
        raise
    Kubeconfig.objects.create(
        cluster=cluster, holder=actor, name=credential.name, level=Kubeconfig.Level.ADMIN,
        expires_at=credential.expires, emergency=access,
    )  # fmt: skip
    return access, credential


@transaction.atomic
def _opened(actor: User, cluster: Cluster, reason: str, time: timedelta) -> EmergencyAccess:
    """Record and tell first: whoever gets in was announced, also when the portal dies in between."""
    Cluster.objects.select_for_update().get(pk=cluster.pk)
    living = EmergencyAccess.objects.filter(cluster=cluster, person=actor, ended_at=None)
    if living.filter(ends_at__gt=timezone.now()).exists():
        raise Conflict("error.emergency_open", name=cluster.name)
    living.update(ended_at=timezone.now())
    access = EmergencyAccess.objects.create(cluster=cluster, person=actor, reason=reason, ends_at=timezone.now() + time)
    minutes = int(time.total_seconds() // 60)
    audit.record(actor, "cluster.emergency", cluster, tenant=cluster.tenant, reason=reason, minutes=minutes)
    told = people_where("audit.view", cluster.tenant).filter(
        memberships__tenant=cluster.tenant, memberships__role=Role.ADMIN
    )
    notices.tell(
        "cluster.emergency", to=told.distinct(), tenant=cluster.tenant, link=f"/clusters/{cluster.pk}",
        person=actor.username, name=cluster.name, reason=reason, minutes=minutes,
    )  # fmt: skip
    live.changed_soon("cluster", cluster.pk, cluster.tenant_id)
    return access


def leave(actor: User, access: EmergencyAccess) -> None:
    """End it before its time; its own person may, and the tenant's administrators. Raises Forbidden, Unavailable."""
    cluster = access.cluster
    if access.person_id != actor.pk:
        require(actor, "kubeconfig.revoke", cluster.tenant)
    _end(access, by=actor)


def end_overdue() -> None:
    """End what is over (for the sweep); what a cluster does not take now is tried again by the next one."""
    over = EmergencyAccess.objects.filter(ended_at=None, ends_at__lte=timezone.now())
    for access in over.select_related("cluster__tenant", "cluster__cloud", "person"):
        _end(access, by=None)


def _end(access: EmergencyAccess, *, by: User | None) -> None:
    cluster = access.cluster
    for kubeconfig in access.kubeconfigs.filter(revoked_at=None):
        hosts.revoke(cluster, kubeconfig.name)
    now = timezone.now()
    with transaction.atomic():
        access.kubeconfigs.filter(revoked_at=None).update(revoked_at=now)
        if EmergencyAccess.objects.filter(pk=access.pk, ended_at=None).update(ended_at=now):
            person = access.person.username
            audit.record(by, "cluster.emergency_end", cluster, tenant=cluster.tenant, person=person)
            live.changed_soon("cluster", cluster.pk, cluster.tenant_id)
