"""Let go of what is older than the setting PKS_AUDIT_DAYS says; without it everything is kept for ever."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from tenants.audit.recording import record
from tenants.audit.sealing import seal
from tenants.models import AuditHead, AuditPurge, AuditSeal

AT_ONCE: Final = 1_000


def purge(by: str = "portal") -> int:
    """Purge the beginning of the chain that is older than is kept. Return how many entries went.

    The row that allows it, and the record of it, are committed before anything goes, so that a purge that is killed
    is carried on by the next.
    """
    if settings.PKS_AUDIT_DAYS:
        seal(everything=True)
        _allow(by)
    return _delete()


@transaction.atomic
def _allow(by: str) -> None:
    """Write down up to which place the chain may go: up to the first entry that is young enough."""
    AuditHead.objects.select_for_update().get(pk=1)
    oldest_kept = timezone.now() - timedelta(days=settings.PKS_AUDIT_DAYS)
    young = AuditSeal.objects.filter(entry__at__gte=oldest_kept).order_by("number").first()
    rows = AuditSeal.objects.filter(number__lt=young.number) if young else AuditSeal.objects.all()
    last = rows.order_by("-number").first()
    if last is None or AuditPurge.objects.filter(number__gte=last.number).exists():
        return
    AuditPurge.objects.create(number=last.number, hash=last.hash, by=by)
    record(None, "audit.purge", None, number=last.number, hash=last.hash, days=settings.PKS_AUDIT_DAYS, by=by)


def _delete() -> int:
    allowed = AuditPurge.objects.order_by("-number").values_list("number", flat=True).first()
    gone = 0
    while allowed is not None:
        with transaction.atomic():
            first = AuditSeal.objects.filter(number__lte=allowed).order_by("number").first()
            if first is None:
                break
            gone += _delete_up_to(min(allowed, first.number + AT_ONCE - 1))
    return gone


def _delete_up_to(number: int) -> int:
    """Delete entries, whose trigger asks their seals, and then the seals; the foreign key is checked at the end."""
    with connection.cursor() as cursor:
        sealed = "SELECT entry_id FROM tenants_auditseal WHERE number <= %s"
        cursor.execute(f"DELETE FROM tenants_auditentry WHERE id IN ({sealed})", [number])  # noqa: S608 - of constants
        cursor.execute("DELETE FROM tenants_auditseal WHERE number <= %s", [number])
        return int(cursor.rowcount)
