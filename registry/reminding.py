"""Tell people, once, of what is about to end or to be full: robots' secrets, exceptions, a tenant's storage."""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from registry import telling
from registry.models import CveException, Robot, StorageWarning
from tenants import quotas
from tenants.models import QuotaKind, Tenant
from tenants.quotas import Line

BEFORE: Final = timedelta(days=7)
SHORT: Final = timedelta(days=14)
"""Who asked for so long or less knows when it ends."""
LATE: Final = timedelta(days=2)
"""An end that nobody could tell in time, for the portal was down, is told so long afterwards; no later."""
NEARLY: Final = 90
CALM: Final = 80
"""Percent of the quota from which on it is told, and below which it may be told again."""


def robots() -> int:
    """Tell of the robots whose secret ends soon; return of how many."""
    now = timezone.now()
    rows = Robot.objects.annotate(since=Coalesce("rotated_at", "created_at")).filter(
        warned_at=None, disabled=False, expires_at__gt=now, expires_at__lte=now + BEFORE,
        since__lt=F("expires_at") - SHORT, project__tenant__archived_at=None,
    )  # fmt: skip
    return sum(_robot(row) for row in rows.select_related("project__tenant"))


@transaction.atomic
def _robot(row: Robot) -> bool:
    if not Robot.objects.filter(pk=row.pk, warned_at=None).update(warned_at=timezone.now()):
        return False
    telling.robot_ends(row)
    return True


def exceptions() -> int:
    """Tell of the exceptions that end soon, and of those that have ended; return of how many."""
    now = timezone.now()
    approved = CveException.objects.filter(status=CveException.Status.APPROVED)
    same = {name: OuterRef(name) for name in ("project", "vulnerability", "repositories", "package")}
    longer = approved.filter(**same, expires_at__gt=OuterRef("expires_at"))
    live = approved.filter(project__tenant__archived_at=None).exclude(Exists(longer))
    soon = live.filter(reminded_at=None, expires_at__gt=now, expires_at__lte=now + BEFORE)
    soon = soon.exclude(decided_at__gte=F("expires_at") - SHORT)
    over = live.filter(end_told_at=None, expires_at__lte=now, expires_at__gt=now - LATE)
    rows = ("project__tenant", "asked_by")
    return sum(_exception(row, "reminded_at") for row in soon.select_related(*rows)) + sum(
        _exception(row, "end_told_at") for row in over.select_related(*rows)
    )


@transaction.atomic
def _exception(row: CveException, mark: str) -> bool:
    if not CveException.objects.filter(pk=row.pk, **{mark: None}).update(**{mark: timezone.now()}):
        return False
    telling.ends(row, over=mark == "end_told_at")
    return True


def storage() -> int:
    """Tell of the tenants whose image storage is nearly full; return of how many."""
    told = set(StorageWarning.objects.values_list("tenant", flat=True))
    # also who was told and has deleted everything since: they are to be told again
    wanted = Q(projects__used__gt=0) | Q(pk__in=told)
    tenants = list(Tenant.objects.filter(wanted, archived_at=None).distinct())
    lines = quotas.lines_of(tenants)
    count = 0
    for tenant in tenants:
        line = next(line for line in lines[tenant.pk] if line.kind == QuotaKind.REGISTRY_GIB)
        if line.percent >= NEARLY and tenant.pk not in told:
            count += _storage(tenant, line)
        elif line.percent < CALM and tenant.pk in told:
            StorageWarning.objects.filter(tenant=tenant).delete()
    return count


@transaction.atomic
def _storage(tenant: Tenant, line: Line) -> bool:
    if not StorageWarning.objects.get_or_create(tenant=tenant)[1]:
        return False
    telling.nearly_full(tenant, line)
    return True
