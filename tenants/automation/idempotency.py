"""The records behind `Idempotency-Key` (see tenants/api/idempotency.py): claimed, taken over, forgotten."""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from tenants.models import IdempotencyRecord

KEPT: Final = timedelta(hours=24)
LEASE: Final = timedelta(minutes=2)
"""After which a request that was never answered counts as dead; longer than any may take."""
State = IdempotencyRecord.State


def claim(record: IdempotencyRecord) -> IdempotencyRecord:
    """Keep a new record, or return the one that is there, taken over if nobody carries it out any more.

    Whose it is now is told by `claim`: that of the given record, or another's.
    """
    with transaction.atomic():
        IdempotencyRecord.objects.filter(
            actor=record.actor, key=record.key, created_at__lt=timezone.now() - KEPT
        ).delete()
        kept, made = IdempotencyRecord.objects.get_or_create(
            actor=record.actor, key=record.key,
            defaults={name: getattr(record, name) for name in ("id", "method", "path", "digest", "claim")},
        )  # fmt: skip
    if made or kept.digest != record.digest or kept.state not in {State.RUNNING, State.FREE}:
        return kept
    now = timezone.now()
    dead = Q(state=State.FREE) | Q(state=State.RUNNING, claimed_at__lt=now - LEASE)
    taken = IdempotencyRecord.objects.filter(dead, pk=kept.pk, claim=kept.claim)
    if taken.update(state=State.RUNNING, claim=record.claim, claimed_at=now):
        kept.claim = record.claim
    return kept


def purge() -> int:
    """Forget what is older than a day; returns how many records that was."""
    return IdempotencyRecord.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]
