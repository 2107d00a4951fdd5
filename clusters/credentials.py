"""Kubeconfigs: issue one, which is shown once and not kept, and take its rights away.

A certificate opens the cluster by itself until it ends or is revoked. An exec kubeconfig holds no secret: kubectl runs
`pks token`, which shows who is signed in and gets a token that lives five minutes.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from clusters import fleet, hosts, kubeconfigs, rights
from clusters.models import Cluster, Kubeconfig
from pks_portal.errors import Conflict, Invalid, NotFound
from pks_portal.operations import live
from tenants import audit, issuer
from tenants.access import may, require
from tenants.issuer import Identity
from tenants.models import User

Level, Kind = Kubeconfig.Level, Kubeconfig.Kind


def issue_kubeconfig(
    actor: User, cluster: Cluster, *, level: str = "", hours: int, kind: str = Kind.CERTIFICATE
) -> tuple[Kubeconfig, str]:
    """Issue a kubeconfig to the actor for `hours`; return its row and its text, which is shown once and not kept.

    An exec one has no level of its own: what the person's roles allow at each moment counts. Raises Forbidden, Invalid
    (kind, level or hours), Conflict (the cluster has no API yet), Unavailable.
    """
    if kind not in Kind.values:
        raise Invalid("error.kubeconfig_kind", field="kind", kind=kind)
    _check_hours(hours)
    if kind == Kind.EXEC:
        return _issue_exec(actor, cluster, timedelta(hours=hours))
    if level not in Level.values:
        raise Invalid("error.kubeconfig_level", field="level", level=level)
    require(actor, f"kubeconfig.{level}", cluster.tenant)
    _check_reachable(cluster)
    credential = hosts.credentials(cluster, holder=actor.username, level=level, ttl=timedelta(hours=hours))
    row = Kubeconfig(cluster=cluster, holder=actor, name=credential.name, level=level, expires_at=credential.expires)
    return _issued(actor, row), credential.kubeconfig


def issue_merged(actor: User, clusters: Sequence[Cluster], **wish: Any) -> tuple[list[Kubeconfig], str]:
    """Issue one kubeconfig for several clusters, a context each. All are issued, or those that were are revoked.

    Raises what issue_kubeconfig does; the text names the cluster.
    """
    issued: list[tuple[Kubeconfig, str]] = []
    try:
        for cluster in clusters:
            issued.append(issue_kubeconfig(actor, cluster, **wish))  # noqa: PERF401 - what failed before is revoked
    except BaseException:
        for row, _text in issued:
            revoke_kubeconfig(actor, row)
        raise
    return [row for row, _text in issued], kubeconfigs.merged([(row.cluster, text) for row, text in issued])


def identity_token(actor: User, cluster: Cluster, kubeconfig: str = "") -> Identity:
    """Return a token that says to the cluster who the actor is; `kubeconfig` is the id of the exec one that asks.

    Raises Forbidden, NotFound (there is no such kubeconfig any more), Conflict, Unavailable.
    """
    require(actor, "kubeconfig.view", cluster.tenant)
    _check_reachable(cluster)
    if not issuer.available():
        raise Conflict("error.no_issuer")
    with transaction.atomic():
        row = _exec_row(actor, cluster, kubeconfig)
        Kubeconfig.objects.filter(pk=row.pk).update(last_used_at=timezone.now())
    return issuer.identity(actor, cluster.pk, rights.groups_of(actor, cluster.tenant))


def revoke_kubeconfig(actor: User, kubeconfig: Kubeconfig) -> None:
    """Take an issued kubeconfig's rights away: a certificate's at once, an exec's with its last token, in five minutes.

    Its holder may do so too. Raises Forbidden, Unavailable.
    """
    cluster = kubeconfig.cluster
    if kubeconfig.holder_id != actor.pk:
        require(actor, "kubeconfig.revoke", cluster.tenant)
    if kubeconfig.kind == Kind.CERTIFICATE:
        hosts.revoke(cluster, kubeconfig.name)
    with transaction.atomic():
        if Kubeconfig.objects.filter(pk=kubeconfig.pk, revoked_at__isnull=True).update(revoked_at=timezone.now()):
            live.changed_soon("cluster", cluster.pk, cluster.tenant_id)
            audit.record(actor, "kubeconfig.revoke", cluster, tenant=cluster.tenant, credential=kubeconfig.name)


def highest_level(user: User, cluster: Cluster) -> str:
    """Return the highest level at which somebody gets a kubeconfig here. Raises Forbidden where there is none."""
    for level in rights.HIGHEST_FIRST:
        if may(user, f"kubeconfig.{level}", cluster.tenant):
            return str(level)
    require(user, "kubeconfig.view", cluster.tenant)
    return str(Level.VIEW)


def _issue_exec(actor: User, cluster: Cluster, life: timedelta) -> tuple[Kubeconfig, str]:
    require(actor, "kubeconfig.view", cluster.tenant)
    _check_reachable(cluster)
    if not cluster.authority or not issuer.available():
        raise Conflict("error.no_issuer")
    row = _new_exec(actor, cluster, life)
    return row, kubeconfigs.exec_text(cluster, str(row.pk))


def _exec_row(actor: User, cluster: Cluster, kubeconfig: str) -> Kubeconfig:
    rows = Kubeconfig.objects.filter(
        cluster=cluster, holder=actor, kind=Kind.EXEC, revoked_at=None, expires_at__gt=timezone.now()
    )
    if kubeconfig:
        if (row := rows.filter(pk=kubeconfig).first()) is None:
            raise NotFound("error.kubeconfig_gone")
        return row
    return rows.first() or _new_exec(actor, cluster, timedelta(hours=settings.PKS_KUBECONFIG_MAX_HOURS))


def _new_exec(actor: User, cluster: Cluster, life: timedelta) -> Kubeconfig:
    name = f"exec-{secrets.token_hex(8)}"
    level = highest_level(actor, cluster)
    row = Kubeconfig(
        cluster=cluster, holder=actor, name=name, kind=Kind.EXEC, level=level, expires_at=timezone.now() + life
    )
    return _issued(actor, row)


@transaction.atomic
def _issued(actor: User, row: Kubeconfig) -> Kubeconfig:
    row.save(force_insert=True)
    cluster = row.cluster
    audit.record(
        actor, "kubeconfig.issue", cluster, tenant=cluster.tenant,
        credential=row.name, kind=row.kind, level=row.level, expires=row.expires_at.isoformat(),
    )  # fmt: skip
    return row


def _check_hours(hours: int) -> None:
    if not 1 <= hours <= settings.PKS_KUBECONFIG_MAX_HOURS:
        raise Invalid("error.kubeconfig_hours", field="hours", hours=hours, most=settings.PKS_KUBECONFIG_MAX_HOURS)


def _check_reachable(cluster: Cluster) -> None:
    engine = fleet.engine_of(cluster.cloud)
    if engine.capabilities().credentials and (not cluster.endpoint or cluster.status == Cluster.Status.DELETING):
        raise Conflict("error.no_api_yet", name=cluster.name)
