"""Kubeconfigs: issue one, which is shown once and not kept, and take its rights away."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from clusters import fleet, hosts
from clusters.engines.base import Credential
from clusters.models import Cluster, Kubeconfig
from pks_portal.errors import Conflict, Invalid
from pks_portal.operations import live
from tenants import audit
from tenants.access import require
from tenants.models import User


def issue_kubeconfig(actor: User, cluster: Cluster, *, level: str, hours: int) -> tuple[Kubeconfig, Credential]:
    """Issue a kubeconfig to the actor for `hours`; it is shown once and not kept.

    Raises Forbidden, Invalid (level or hours), Conflict (the cluster has no API yet), Unavailable.
    """
    if level not in Kubeconfig.Level.values:
        raise Invalid("error.kubeconfig_level", field="level", level=level)
    require(actor, f"kubeconfig.{level}", cluster.tenant)
    if not 1 <= hours <= settings.PKS_KUBECONFIG_MAX_HOURS:
        raise Invalid("error.kubeconfig_hours", field="hours", hours=hours, most=settings.PKS_KUBECONFIG_MAX_HOURS)
    engine = fleet.engine_of(cluster.cloud)
    if engine.capabilities().credentials and (not cluster.endpoint or cluster.status == Cluster.Status.DELETING):
        raise Conflict("error.no_api_yet", name=cluster.name)
    credential = hosts.credentials(cluster, holder=actor.username, level=level, ttl=timedelta(hours=hours))
    with transaction.atomic():
        kubeconfig = Kubeconfig.objects.create(
            cluster=cluster, holder=actor, name=credential.name, level=level, expires_at=credential.expires
        )
        audit.record(
            actor, "kubeconfig.issue", cluster, tenant=cluster.tenant,
            credential=credential.name, level=level, expires=credential.expires.isoformat(),
        )  # fmt: skip
    return kubeconfig, credential


def revoke_kubeconfig(actor: User, kubeconfig: Kubeconfig) -> None:
    """Take an issued kubeconfig's rights away at once. Its holder may do so too. Raises Forbidden, Unavailable."""
    cluster = kubeconfig.cluster
    if kubeconfig.holder_id != actor.pk:
        require(actor, "kubeconfig.revoke", cluster.tenant)
    hosts.revoke(cluster, kubeconfig.name)
    with transaction.atomic():
        Kubeconfig.objects.filter(pk=kubeconfig.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
        live.changed_soon("cluster", cluster.pk, cluster.tenant_id)
        audit.record(actor, "kubeconfig.revoke", cluster, tenant=cluster.tenant, credential=kubeconfig.name)
