"""Emergency access: how a platform administrator enters a tenant's cluster, seen by everybody whom it concerns.

Nothing else lets them in. It is announced before anything is issued, and it ends by itself: its certificate ends with
it, also while the portal is away, and the sweep takes its binding away. The name of the credential is in the database
before the credential is on the cluster, so whatever dies in between, the sweep knows what to take away.
"""

import logging
import secrets
from contextlib import suppress
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from clusters import fleet, hosts
from clusters.engines.base import Credential
from clusters.models import Cluster, EmergencyAccess, Kubeconfig
from pks_portal.errors import Conflict, Invalid, PortalError
from pks_portal.operations import live
from tenants import audit, notices
from tenants.access import may, people_where, require
from tenants.models import Membership, Role, Tenant, User
from tenants.scopes import within

log = logging.getLogger(__name__)

SHORTEST_MINUTES: Final = 5
LONGEST_MINUTES: Final = 60
SHORTEST_REASON: Final = 10  # characters: "incident 7" is one, "x" is none
LONGEST_REASON: Final = 500


def enter(actor: User, cluster: Cluster, *, reason: str, minutes: int) -> tuple[EmergencyAccess, Credential]:
    """Let a platform administrator into a tenant's cluster as its administrator, for at most an hour.

    The kubeconfig is shown once. The tenant's administrators are told. Raises Forbidden, Invalid, Conflict (it is open
    already, or the cluster has no API), Unavailable.
    """
    require(actor, "cluster.emergency", cluster.tenant)
    reason = _checked(reason, minutes)
    _check_reachable(cluster)
    for access in open_in(cluster).filter(person=actor, ends_at__lte=timezone.now()):
        _end(access, by=None)  # before the next: what an earlier one left on the cluster
    access, kubeconfig = _opened(actor, cluster, reason, timedelta(minutes=minutes))
    try:
        ttl = access.ends_at - timezone.now()
        credential = hosts.credentials(
            cluster, holder=actor.username, level=kubeconfig.level, ttl=ttl, name=kubeconfig.name
        )
        kept = Kubeconfig.objects.filter(pk=kubeconfig.pk, revoked_at=None).update(expires_at=credential.expires)
    except BaseException:
        with suppress(Exception):  # it never hides why; and what is not over now is over at its end
            EmergencyAccess.objects.filter(pk=access.pk).update(ends_at=timezone.now())
        raise
    if not kept:  # somebody ended it while it was being issued, when there was nothing to take away yet
        hosts.revoke(cluster, kubeconfig.name)
        raise Conflict("error.emergency_ended", name=cluster.name)
    return access, credential


def leave(actor: User, access: EmergencyAccess) -> None:
    """End one before its time: one's own, or as who may end those of others. Raises Forbidden, Unavailable."""
    if access.person_id != actor.pk or not within("cluster.emergency_end", actor.scope):
        require(actor, "cluster.emergency_end", access.cluster.tenant)
    _end(access, by=actor)


def leave_cluster(actor: User, cluster: Cluster) -> None:
    """End one's own access to a cluster; who has none there ends everybody's.

    Raises Forbidden, Conflict (nobody is in the cluster), Unavailable.
    """
    rows = list(open_in(cluster))
    if not (own := [row for row in rows if row.person_id == actor.pk]):
        require(actor, "cluster.emergency_end", cluster.tenant)
    if not rows:
        raise Conflict("error.emergency_none", name=cluster.name)
    for access in own or rows:
        leave(actor, access)


def open_in(cluster: Cluster) -> "QuerySet[EmergencyAccess]":
    """Return those that have not been ended, the newest first; `live` says which let somebody in."""
    rows = EmergencyAccess.objects.filter(cluster=cluster, ended_at=None)
    return rows.select_related("cluster__tenant", "cluster__cloud", "person")


def end_overdue() -> None:
    """End what is over (for the sweep); what a cluster does not take now is tried again by the next one."""
    for access in _over():
        try:
            _end(access, by=None)
        except PortalError as error:
            log.warning("Emergency access %s has not ended on its cluster yet: %s", access.pk, error.cause or error)


def _checked(reason: str, minutes: int) -> str:
    reason = reason.strip()
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise Invalid("error.emergency_reason", field="reason", least=SHORTEST_REASON, most=LONGEST_REASON)
    if not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        raise Invalid(
            "error.emergency_minutes", field="minutes", minutes=minutes, least=SHORTEST_MINUTES, most=LONGEST_MINUTES
        )
    return reason


def _check_reachable(cluster: Cluster) -> None:
    """Raise Conflict where there is nothing to enter: nobody is to be told of what cannot be."""
    if not fleet.engine_of(cluster.cloud).capabilities().credentials:
        raise Conflict("error.emergency_no_api", name=cluster.name)
    if not cluster.endpoint or cluster.status == Cluster.Status.DELETING:
        raise Conflict("error.no_api_yet", name=cluster.name)


@transaction.atomic
def _opened(actor: User, cluster: Cluster, reason: str, time: timedelta) -> tuple[EmergencyAccess, Kubeconfig]:
    """Record and tell first: whoever gets in was announced, also when the portal dies in between."""
    Cluster.objects.select_for_update().get(pk=cluster.pk)
    if open_in(cluster).filter(person=actor).exists():
        raise Conflict("error.emergency_open", name=cluster.name)
    now = timezone.now()
    access = EmergencyAccess.objects.create(
        cluster=cluster, person=actor, reason=reason, started_at=now, ends_at=now + time
    )
    kubeconfig = Kubeconfig.objects.create(
        cluster=cluster, holder=actor, name=secrets.token_hex(8), level=Kubeconfig.Level.ADMIN,
        expires_at=access.ends_at, emergency=access,
    )  # fmt: skip
    minutes = int(time.total_seconds() // 60)
    facts = {"reason": reason, "minutes": minutes, "credential": kubeconfig.name}
    audit.record(actor, "cluster.emergency", cluster, tenant=cluster.tenant, **facts)
    notices.tell(
        "cluster.emergency", to=_administrators(cluster.tenant), tenant=cluster.tenant, link=f"/clusters/{cluster.pk}",
        person=actor.username, name=cluster.name, reason=reason, minutes=minutes,
    )  # fmt: skip
    live.changed_soon("cluster", cluster.pk, cluster.tenant_id)
    return access, kubeconfig


def _administrators(tenant: Tenant) -> "QuerySet[User]":
    """Return whom a tenant's emergencies concern: its administrators, not the platform's."""
    members = Membership.objects.filter(tenant=tenant, role=Role.ADMIN)
    return people_where("audit.view", tenant).filter(pk__in=members.values("user"))


def _over() -> list[EmergencyAccess]:
    """Return those whose time is over, whose credential was revoked, or whose person may not any more."""
    held = Kubeconfig.objects.filter(emergency=OuterRef("pk"), revoked_at=None)
    rows = EmergencyAccess.objects.filter(ended_at=None).annotate(opens=Exists(held))
    rows = rows.select_related("cluster__tenant", "cluster__cloud", "person")
    return [
        row for row in rows if not (row.live and row.opens and may(row.person, "cluster.emergency", row.cluster.tenant))
    ]


def _end(access: EmergencyAccess, *, by: User | None) -> None:
    """Take its rights away on the cluster, then say so; both may be done again. Raises Unavailable."""
    cluster = access.cluster
    for kubeconfig in access.kubeconfigs.filter(revoked_at=None):
        hosts.revoke(cluster, kubeconfig.name)
    now = timezone.now()
    with transaction.atomic():
        access.kubeconfigs.filter(revoked_at=None).update(revoked_at=now)
        if EmergencyAccess.objects.filter(pk=access.pk, ended_at=None).update(ended_at=now):
            _tell_of_the_end(access, by)


def _tell_of_the_end(access: EmergencyAccess, by: User | None) -> None:
    cluster, person = access.cluster, access.person
    audit.record(by, "cluster.emergency_end", cluster, tenant=cluster.tenant, person=person.username)
    told = [user for user in (*_administrators(cluster.tenant), person) if user != by]
    notices.tell(
        "cluster.emergency_end", to=told, tenant=cluster.tenant, link=f"/clusters/{cluster.pk}?tab=access",
        person=person.username, name=cluster.name,
    )  # fmt: skip
    live.changed_soon("cluster", cluster.pk, cluster.tenant_id)
