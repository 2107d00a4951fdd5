"""What the portal keeps for a while: for how long, how much of it there is, and what is due to go."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Count, F, Min, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pks_portal.operations.models import OperationEvent
from tenants.automation.idempotency import KEPT as ANSWERS
from tenants.models import AccessToken, AuditEntry, Delivery, IdempotencyRecord, Notice
from tenants.tokens import SIGN_IN_LIFETIME

Span = timedelta | None


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of rows. `span`: for how long they are kept, None: for ever; `setting`: what says so, if anything does.

    `oldest`: when the oldest was made (of what ends by itself: when it ends), None where there are none. `due`: how
    many should be gone; the next purge, within a day, takes them.
    """

    name: Promise
    span: Span
    setting: str
    rows: int
    oldest: datetime | None
    due: int
    ends: bool = False

    @property
    def hours(self) -> int:
        """The span in hours; 0: for ever."""
        return int(self.span.total_seconds() // 3600) if self.span else 0


@dataclass(frozen=True, slots=True)
class _Kind:
    name: Promise
    rows: Any
    moment: str
    span: Callable[[], Span]
    setting: str = ""
    ends: bool = False
    """Whether `moment` is when a row ends, not when it was made."""
    staying: Q | None = None


def _days(setting: str) -> Callable[[], Span]:
    return lambda: timedelta(days=getattr(settings, setting)) if getattr(settings, setting) else None


def kept() -> list[Kept]:
    """Return every kind, counted now (one query each)."""
    return [_count(kind) for kind in _KINDS]


def _count(kind: _Kind) -> Kept:
    span, now = kind.span(), timezone.now()
    limit = now if kind.ends else now - span if span else None
    old = Q(**{f"{kind.moment}__lt": limit}) if limit else Q(pk__in=[])
    going = old & ~kind.staying if kind.staying else old
    sums = kind.rows.order_by().aggregate(rows=Count("pk"), oldest=Min(F(kind.moment)), due=Count("pk", filter=going))
    return Kept(kind.name, span, kind.setting, sums["rows"], sums["oldest"], sums["due"], kind.ends)


_KINDS = [
    _Kind(_("Audit log"), AuditEntry.objects, "at", _days("PKS_AUDIT_DAYS"), "PKS_AUDIT_DAYS"),
    _Kind(_("Notices"), Notice.objects, "created_at", _days("PKS_NOTICE_DAYS"), "PKS_NOTICE_DAYS"),
    _Kind(
        _("Deliveries of webhooks"), Delivery.objects, "created_at", _days("PKS_DELIVERY_DAYS"), "PKS_DELIVERY_DAYS",
        staying=Q(status=Delivery.Status.WAITING),
    ),
    _Kind(
        _("Sessions in browsers"), Session.objects, "expire_date",
        lambda: timedelta(seconds=settings.SESSION_COOKIE_AGE), "PKS_SESSION_HOURS", ends=True,
    ),
    _Kind(_("Sign-ins at the command line"), AccessToken.objects, "expires_at", lambda: SIGN_IN_LIFETIME, ends=True),
    _Kind(_("Answers to requests with an Idempotency-Key"), IdempotencyRecord.objects, "created_at", lambda: ANSWERS),
    _Kind(_("Events of tasks"), OperationEvent.objects, "at", lambda: None),
]  # fmt: skip
