"""Kubeconfigs: issue one, which is shown once and not kept, and take its rights away.

A certificate opens the cluster by itself until it ends or is revoked. An exec kubeconfig holds no secret: kubectl runs
`pks token`, which shows who is signed in and gets a token that lives five minutes.
"""

import logging
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from clusters import fleet, hosts, kubeconfigs, rights
from clusters.models import Cluster, Kubeconfig
from pks_portal.errors import Conflict, Invalid, NotFound, PortalError
from pks_portal.operations import live
from tenants import audit, issuer
from tenants.access import may, require
from tenants.issuer import Identity
from tenants.models import User
from tenants.scopes import within

log = logging.getLogger(__name__)

Level, Kind = Kubeconfig.Level, Kubeconfig.Kind
MOST_AT_ONCE: Final = 20  # clusters in one file: each is asked in turn, while a person waits


@dataclass(frozen=True, slots=True)
class Merged:
    """One kubeconfig for several clusters: its rows, its text (secret), and which clusters are not in it, and why."""

    rows: list[Kubeconfig]
    text: str
    refused: list[tuple[Cluster, PortalError]]


def longest_hours(level: str = "") -> int:
    """Return for how long a kubeconfig may live; one that may administer by its certificate lives shorter."""
    most: int = settings.PKS_KUBECONFIG_MAX_HOURS
    return min(most, settings.PKS_KUBECONFIG_MAX_HOURS_ADMIN) if level == Level.ADMIN else most


def is_sensitive(kind: str, level: str) -> bool:
    """Say whether issuing one asks who one is: a secret that may administer does, one without a secret never."""
    return kind == Kind.CERTIFICATE and level == Level.ADMIN


def issue_kubeconfig(
    actor: User, cluster: Cluster, *, level: str = "", hours: int, kind: str = Kind.CERTIFICATE
) -> tuple[Kubeconfig, str]:
    """Issue a kubeconfig to the actor for `hours`; return its row and its text, which is shown once and not kept.

    An exec one has no level of its own: what the person's roles allow at each moment counts. Raises Forbidden, Invalid
    (kind, level or hours), Conflict (the cluster has no API yet), Unavailable.
    """
    _check_wish(kind, level, hours)
    if kind == Kind.EXEC:
        return _issue_exec(actor, cluster, timedelta(hours=hours))
    require(actor, f"kubeconfig.{level}", cluster.tenant)
    _check_reachable(cluster)
    return _issue_certificate(actor, cluster, level, timedelta(hours=hours))


def issue_merged(
    actor: User, clusters: Sequence[Cluster], *, level: str = "", hours: int, kind: str = Kind.CERTIFICATE
) -> Merged:
    """Issue one kubeconfig for several clusters, a context each, named after it.

    A cluster that refuses or does not answer is left out and told of. Where none is left, the first refusal is raised,
    with what each said under `refused`. Raises Invalid as issue_kubeconfig does, or for none or more than MOST_AT_ONCE.
    """
    _check_wish(kind, level, hours)
    if not 1 <= len(clusters) <= MOST_AT_ONCE:
        raise Invalid("error.kubeconfig_clusters", field="clusters", number=len(clusters), most=MOST_AT_ONCE)
    issued: list[tuple[Kubeconfig, str]] = []
    refused: list[tuple[Cluster, PortalError]] = []
    try:
        for cluster in clusters:
            try:
                issued.append(issue_kubeconfig(actor, cluster, level=level, hours=hours, kind=kind))
            except PortalError as error:
                refused.append((cluster, error))
    except BaseException:
        for row, _text in issued:
            _take_back(actor, row)
        raise
    if not issued:
        raise _with_all(refused)
    text = kubeconfigs.merged([(row.cluster, text) for row, text in issued])
    return Merged([row for row, _text in issued], text, refused)


def told(refused: Sequence[tuple[Cluster, PortalError]]) -> list[dict[str, str]]:
    """Return what clusters refused as plain facts: {cluster (id), name, tenant, code, detail}."""
    return [
        {
            "cluster": str(cluster.pk), "name": cluster.name, "tenant": cluster.tenant.slug, "code": error.code,
            "detail": error.detail,
        }
        for cluster, error in refused
    ]  # fmt: skip


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
    check_revocable(actor, kubeconfig)
    cluster = kubeconfig.cluster
    if kubeconfig.kind == Kind.CERTIFICATE:
        hosts.revoke(cluster, kubeconfig.name)
    with transaction.atomic():
        if Kubeconfig.objects.filter(pk=kubeconfig.pk, revoked_at__isnull=True).update(revoked_at=timezone.now()):
            live.changed_soon("cluster", cluster.pk, cluster.tenant_id)
            audit.record(actor, "kubeconfig.revoke", cluster, tenant=cluster.tenant, credential=kubeconfig.name)


def check_revocable(actor: User, kubeconfig: Kubeconfig) -> None:
    """Raise Forbidden unless the actor holds it, or may revoke those of others here; one of an emergency ends it."""
    action = "cluster.emergency_end" if kubeconfig.emergency_id else "kubeconfig.revoke"
    if kubeconfig.holder_id != actor.pk or not within(action, actor.scope):
        require(actor, action, kubeconfig.cluster.tenant)


def highest_level(user: User, cluster: Cluster) -> str:
    """Return the highest level at which somebody gets a kubeconfig here. Raises Forbidden where there is none."""
    for level in rights.HIGHEST_FIRST:
        if may(user, f"kubeconfig.{level}", cluster.tenant):
            return str(level)
    require(user, "kubeconfig.view", cluster.tenant)
    return str(Level.VIEW)


def _issue_certificate(actor: User, cluster: Cluster, level: str, ttl: timedelta) -> tuple[Kubeconfig, str]:
    """Write the row first, so that whatever is live on the cluster is listed and can be revoked, also after a crash."""
    name = secrets.token_hex(8)
    row = Kubeconfig(cluster=cluster, holder=actor, name=name, level=level, expires_at=timezone.now() + ttl)
    row.save(force_insert=True)
    try:
        made = hosts.credentials(cluster, holder=actor.username, level=level, ttl=ttl, name=name)
    except BaseException:
        row.delete()  # nobody has got its key
        raise
    row.name, row.expires_at = made.name, made.expires
    try:
        _record_issued(actor, row)
    except BaseException:
        _undo(row)
        raise
    return row, made.kubeconfig


@transaction.atomic
def _record_issued(actor: User, row: Kubeconfig) -> None:
    """Record it. Raises Conflict where it was withdrawn meanwhile: the roles that allowed it are gone."""
    fresh = Kubeconfig.objects.filter(pk=row.pk, revoked_at=None)
    if not fresh.update(name=row.name, expires_at=row.expires_at):
        raise Conflict("error.kubeconfig_gone")
    _record(actor, row)


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
    _record(actor, row)
    return row


def _record(actor: User, row: Kubeconfig) -> None:
    cluster = row.cluster
    audit.record(
        actor, "kubeconfig.issue", cluster, tenant=cluster.tenant,
        credential=row.name, kind=row.kind, level=row.level, expires=row.expires_at.isoformat(),
    )  # fmt: skip


def _check_wish(kind: str, level: str, hours: int) -> None:
    """Raise Invalid for a kind, level or life that there is not.

    Of an exec kubeconfig the level counts for nothing: it opens what its holder's roles open at each moment.
    """
    if kind not in Kind.values:
        raise Invalid("error.kubeconfig_kind", field="kind", kind=kind)
    if kind == Kind.CERTIFICATE and level not in Level.values:
        raise Invalid("error.kubeconfig_level", field="level", level=level)
    most = longest_hours(level if kind == Kind.CERTIFICATE else "")
    if not 1 <= hours <= most:
        shorter = most < settings.PKS_KUBECONFIG_MAX_HOURS
        key = "error.kubeconfig_hours_admin" if shorter else "error.kubeconfig_hours"
        raise Invalid(key, field="hours", hours=hours, most=most)


def _undo(row: Kubeconfig) -> None:
    """Take away one that was not handed out, and never hide why; its row stays where the cluster does not answer."""
    try:
        hosts.revoke(row.cluster, row.name)
        row.delete()
    except Exception:
        log.exception("Kubeconfig %s was not handed out and is not taken away yet.", row.pk)


def _take_back(actor: User, row: Kubeconfig) -> None:
    """Revoke what was issued beside something that went wrong; its row stays where that does not work."""
    with suppress(Exception):
        revoke_kubeconfig(actor, row)


def _with_all(refused: Sequence[tuple[Cluster, PortalError]]) -> PortalError:
    """Return the first refusal; of several clusters, with what each said."""
    first = refused[0][1]
    if len(refused) > 1:
        first.facts["refused"] = told(refused)
    return first


def _check_reachable(cluster: Cluster) -> None:
    engine = fleet.engine_of(cluster.cloud)
    if engine.capabilities().credentials and (not cluster.endpoint or cluster.status == Cluster.Status.DELETING):
        raise Conflict("error.no_api_yet", name=cluster.name)
