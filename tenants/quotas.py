"""Count what a tenant wants, under a lock on its row, and refuse what is over its limits."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Greatest
from django.utils import timezone

from pks_portal.errors import Invalid, QuotaExceeded
from pks_portal.messages import Said
from tenants import audit
from tenants.access import refuse_archived, require
from tenants.models import QuotaGrant, QuotaKind, QuotaLimit, QuotaUsage, Reservation, Tenant, User

MOST = 10**9
"""The highest limit that can be set, and the most that can be asked for at once."""
MEASURED: dict[str, str] = {}
"""Kind → the feature that measures it. What is used of any other kind is not known."""


def measures(feature: str, *kinds: str) -> None:
    """Declare that a feature reserves these kinds for all that it makes, so that their sums are what is used."""
    MEASURED.update(dict.fromkeys(kinds, feature))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One kind of quota: what is used now (None: nobody measures it), would be after a change, and the limit.

    `limit` None: there is none. `after` of what nobody measures is what is known of it, not to be shown.
    """

    kind: str
    limit: int | None
    used: int | None
    after: int

    @property
    def label(self) -> str:
        return str(QuotaKind(self.kind).label)

    @property
    def adds(self) -> int:
        return self.after - (self.used or 0)

    @property
    def over(self) -> bool:
        """Say whether the change is refused: it takes more, and more than there is."""
        return self.limit is not None and self.after > self.limit and self.adds > 0

    @property
    def lacks(self) -> int:
        """How much more the limit would have to be for the change."""
        return self.after - self.limit if self.limit is not None and self.over else 0

    @property
    def percent(self) -> int:
        return self._percent(self.used or 0)

    @property
    def percent_after(self) -> int:
        return self._percent(self.after)

    def _percent(self, amount: int) -> int:
        if self.limit is None:
            return 0
        return min(100, round(100 * amount / self.limit)) if self.limit else 100 * bool(amount)


def lines(tenant: Tenant, *, subject: UUID | None = None, wanted: Mapping[str, int] | None = None) -> list[Line]:
    """Return each kind's figures, as they are and as they would be if `subject` wanted `wanted` in all."""
    rows = Reservation.objects.filter(tenant=tenant)
    own = dict(rows.filter(subject=subject).values_list("kind", "amount")) if subject else {}
    return _lines(limits_of(tenant), _sums(rows), own, wanted)


def lines_of(tenants: Iterable[Tenant]) -> dict[int, list[Line]]:
    """Return each tenant's figures as they are (three queries for all of them)."""
    ids = [tenant.pk for tenant in tenants]
    limits = _by_tenant(QuotaLimit.objects.filter(tenant__in=ids).values_list("tenant", "kind", "limit"))
    grants = _by_tenant(_totals(_living(QuotaGrant.objects.filter(tenant__in=ids))))
    sums = _by_tenant(_totals(Reservation.objects.filter(tenant__in=ids)))
    return {pk: _lines(_together(limits[pk], grants[pk]), sums[pk]) for pk in ids}


def _totals(rows: QuerySet[Any]) -> Iterable[tuple[int, str, int]]:
    found = rows.order_by().values("tenant", "kind").annotate(total=Sum("amount"))
    return [(row["tenant"], row["kind"], row["total"]) for row in found]


def _by_tenant(rows: Iterable[tuple[int, str, Any]]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for tenant, kind, amount in rows:
        found[tenant][kind] = amount
    return found


def _lines(
    limits: Mapping[str, int | None],
    sums: Mapping[str, int],
    own: Mapping[str, int] | None = None,
    wanted: Mapping[str, int] | None = None,
) -> list[Line]:
    result = []
    for kind in QuotaKind.values:
        now = sums.get(kind, 0)
        after = now - (own or {}).get(kind, 0) + wanted.get(kind, 0) if wanted is not None else now
        known = now if kind in MEASURED or now else None
        result.append(Line(kind=kind, limit=limits[kind], used=known, after=after))
    return result


def _sums(rows: QuerySet[Reservation]) -> dict[str, int]:
    return {row["kind"]: row["total"] for row in rows.order_by().values("kind").annotate(total=Sum("amount"))}


def limits_of(tenant: Tenant) -> dict[str, int | None]:
    """Return what the tenant may have of each kind now: its limit and what is granted on top; None: no limit."""
    base = dict(QuotaLimit.objects.filter(tenant=tenant).values_list("kind", "limit"))
    rows = living_grants(tenant).order_by().values("kind").annotate(total=Sum("amount"))
    extra = {row["kind"]: row["total"] for row in rows}
    return _together(base, extra)


def _together(base: Mapping[str, int | None], extra: Mapping[str, int]) -> dict[str, int | None]:
    return {kind: _plus(base.get(kind, 0), extra.get(kind, 0)) for kind in QuotaKind.values}


def _plus(limit: int | None, extra: int) -> int | None:
    return None if limit is None else limit + extra


def living_grants(tenant: Tenant) -> QuerySet[QuotaGrant]:
    """Return what is granted on top of the tenant's limits and is not over, by the clock."""
    return _living(QuotaGrant.objects.filter(tenant=tenant))


def _living(rows: QuerySet[QuotaGrant]) -> QuerySet[QuotaGrant]:
    open_ended = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    return rows.filter(open_ended, ended_at__isnull=True)


def lock(tenant: Tenant | int) -> Tenant:
    """Lock the tenant's row, in the turn of operation, tenant, request, cluster; return it fresh."""
    pk = tenant if isinstance(tenant, int) else tenant.pk
    return Tenant.objects.select_for_update(no_key=True).get(pk=pk)


def reserve(tenant: Tenant, subject: UUID, wanted: Mapping[str, int]) -> None:
    """Make the subject's reservations exactly `wanted`, or raise QuotaExceeded with the figures.

    Call inside a transaction; locks the tenant row first, so that two wishes at once cannot both fit.
    """
    refuse_archived(lock(tenant))
    found = lines(tenant, subject=subject, wanted=wanted)
    if over := [line for line in found if line.over]:
        raise exceeded(tenant, over[0], over)
    for kind, amount in wanted.items():
        Reservation.objects.update_or_create(kind=kind, subject=subject, defaults={"tenant": tenant, "amount": amount})
    _note(tenant, {line.kind: (line.used or 0, line.after) for line in found if line.kind in wanted})


def measured(tenant: Tenant, subject: UUID, amounts: Mapping[str, int]) -> None:
    """Make the subject's reservations what has been measured, within the limits or not.

    Call inside a transaction, under the tenant's lock.
    """
    before = _sums(Reservation.objects.filter(tenant=tenant))
    own = dict(Reservation.objects.filter(tenant=tenant, subject=subject).values_list("kind", "amount"))
    for kind, amount in amounts.items():
        Reservation.objects.update_or_create(kind=kind, subject=subject, defaults={"tenant": tenant, "amount": amount})
    changed = {kind: amount - own.get(kind, 0) for kind, amount in amounts.items() if amount != own.get(kind, 0)}
    _note(tenant, {kind: (before.get(kind, 0), before.get(kind, 0) + more) for kind, more in changed.items()})


def exceeded(tenant: Tenant, line: Line, all_over: Iterable[Line] = ()) -> QuotaExceeded:
    """Return the refusal of a line that is over, with its figures, and of all others that are."""
    return QuotaExceeded(
        "error.quota_exceeded",
        tenant=tenant.slug,
        resource=line.kind,
        kind=Said(f"quota.{line.kind}").stored(),
        limit=line.limit,
        used=line.used,
        adds=line.adds,
        exceeded=[_figures(one) for one in all_over or [line]],
    )


def _figures(line: Line) -> dict[str, Any]:
    return {"resource": line.kind, "limit": line.limit, "used": line.used, "adds": line.adds, "lacks": line.lacks}


@transaction.atomic
def release(subject: UUID) -> None:
    """Give back all that a subject had reserved. Locks the tenant's row: call it before a cluster's is locked."""
    rows = Reservation.objects.filter(subject=subject)
    for pk in sorted(set(rows.values_list("tenant", flat=True))):
        tenant = lock(pk)
        before = _sums(Reservation.objects.filter(tenant=tenant))
        own = dict(rows.filter(tenant=tenant).values_list("kind", "amount"))
        rows.filter(tenant=tenant).delete()
        _note(tenant, {kind: (before[kind], before[kind] - amount) for kind, amount in own.items()})


def _note(tenant: Tenant, changes: Mapping[str, tuple[int, int]]) -> None:
    """Note what was wanted before and after a change, as today's. Call under the tenant's lock."""
    day = timezone.now().date()
    for kind, (before, after) in changes.items():
        row = QuotaUsage.objects.filter(tenant=tenant, kind=kind, day=day)
        if not row.update(last=after, highest=Greatest(F("highest"), after)):
            QuotaUsage.objects.create(tenant=tenant, kind=kind, day=day, last=after, highest=max(before, after))


def trend(tenant: Tenant, days: int = 30) -> dict[str, list[int | None]]:
    """Return the most that was wanted of each measured kind on each of the last days (UTC), today last.

    A day on which nothing changed is like the one before; before the first change nothing is known (None).
    """
    today = timezone.now().date()
    first = today - timedelta(days=days - 1)
    rows: dict[tuple[str, Any], QuotaUsage] = {}
    last: dict[str, int | None] = {}
    for row in QuotaUsage.objects.filter(tenant=tenant, day__lte=today).order_by("day"):
        if row.day < first:
            last[row.kind] = row.last
        else:
            rows[row.kind, row.day] = row
    result: dict[str, list[int | None]] = {kind: [] for kind in QuotaKind.values if kind in MEASURED}
    for kind, figures in result.items():
        for day in (first + timedelta(days=n) for n in range(days)):
            found = rows.get((kind, day))
            figures.append(found.highest if found else last.get(kind))
            last[kind] = found.last if found else last.get(kind)
    return result


@transaction.atomic
def set_limits(actor: User, tenant: Tenant, limits: Mapping[str, int | None]) -> None:
    """Set the tenant's own limits of some kinds, None: no limit; what is granted stays on top of them.

    What runs stays although it is over a lower limit. Raises Forbidden, Invalid.
    """
    require(actor, "quota.change", tenant)
    for kind, limit in limits.items():
        if kind not in QuotaKind.values:
            raise Invalid("error.quota_kind", field=kind[:40], kind=kind[:40])
        if limit is not None and not 0 <= limit <= MOST:
            raise Invalid("error.quota_amount", field=kind, most=MOST)
    row = lock(tenant)
    before = dict(QuotaLimit.objects.filter(tenant=row).values_list("kind", "limit"))
    for kind, limit in limits.items():
        QuotaLimit.objects.update_or_create(tenant=row, kind=kind, defaults={"limit": limit})
    changed = {kind: limit for kind, limit in limits.items() if kind not in before or before[kind] != limit}
    if changed:
        audit.record(
            actor, "quota.change", row, tenant=row,
            limits=changed, before={kind: before.get(kind, 0) for kind in changed},
        )  # fmt: skip
