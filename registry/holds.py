"""Pushes wait while bytes are collected: who collects says so here, with a time after which it no longer counts."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from pks_portal.errors import Unavailable
from registry.models import PushHold

LASTS: Final = timedelta(seconds=60)
"""A collector that has died stops nobody for longer."""
ONLY: Final = 1
"""The key of the one row."""


def refuse() -> None:
    """Raise Unavailable while pushes must wait."""
    if PushHold.objects.filter(until__gt=timezone.now()).exists():
        raise Unavailable("error.pushes_held", system="registry")


@transaction.atomic
def take(holder: UUID) -> datetime:
    """Have pushes wait for another while; return since when they do without a gap. Raises Unavailable (another has)."""
    now = timezone.now()
    row = PushHold.objects.select_for_update().filter(pk=ONLY).first()
    counts = row is not None and row.until > now
    if row is not None and counts and row.holder != holder:
        raise Unavailable("error.pushes_held", system="registry")
    since = row.since if row is not None and counts else now
    PushHold.objects.update_or_create(pk=ONLY, defaults={"holder": holder, "since": since, "until": now + LASTS})
    return since


def release(holder: UUID) -> None:
    """Let pushes go on."""
    PushHold.objects.filter(holder=holder).delete()
