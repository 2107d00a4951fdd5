"""Tell the holder of a kubeconfig, once, that it ends within a day."""

from datetime import timedelta
from typing import Final

from celery import shared_task
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from clusters.models import Kubeconfig
from pks_portal.messages import Said
from tenants import notices

BEFORE: Final = timedelta(hours=24)
SHORT: Final = timedelta(days=3)
"""Who took one for so long or less knows when it ends."""


@shared_task(ignore_result=True, name="clusters.tasks.warn")
def warn() -> int:
    """Tell of those that end soon; return of how many."""
    now = timezone.now()
    rows = Kubeconfig.objects.filter(
        warned_at=None, revoked_at=None, emergency=None, expires_at__gt=now, expires_at__lte=now + BEFORE,
        created_at__lt=F("expires_at") - SHORT, holder__is_active=True,
    )  # fmt: skip
    return sum(_tell(row) for row in rows.select_related("cluster", "holder"))


@transaction.atomic
def _tell(row: Kubeconfig) -> bool:
    if not Kubeconfig.objects.filter(pk=row.pk, warned_at=None).update(warned_at=timezone.now()):
        return False
    notices.tell(
        "account.kubeconfig_expiring",
        to=[row.holder],
        link=f"/kubeconfigs?mine=1&cluster={row.cluster_id}",
        name=row.cluster.name,
        level=Said(f"level.{row.level}", {}),
        until=row.expires_at.strftime("%Y-%m-%d %H:%M UTC"),
    )
    return True
