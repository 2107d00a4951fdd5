"""Count what a tenant wants, under a lock on its row, and refuse what is over its limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Sum

from pks_portal.errors import QuotaExceeded
from pks_portal.messages import Said
from tenants.models import QuotaKind, QuotaLimit, Reservation, Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One kind of quota: what is used now, what it would be after a change, and the limit."""

    kind: str
    limit: int
    used: int
    after: int

    @property
    def label(self) -> str:
        return str(QuotaKind(self.kind).label)

    @property
    def adds(self) -> int:
        return self.after - self.used

    @property
    def over(self) -> bool:
        """Say whether the change is refused: it takes more, and more than there is."""
        return self.after > self.limit and self.after > self.used

    @property
    def percent(self) -> int:
        return min(100, round(100 * self.used / self.limit)) if self.limit else 100 * bool(self.used)

    @property
    def percent_after(self) -> int:
        return min(100, round(100 * self.after / self.limit)) if self.limit else 100 * bool(self.after)


def lines(tenant: Tenant, *, subject: UUID | None = None, wanted: Mapping[str, int] | None = None) -> list[Line]:
    """Return each kind's figures, as they are and as they would be if `subject` wanted `wanted` in all."""
    limits = dict(QuotaLimit.objects.filter(tenant=tenant).values_list("kind", "limit"))
    rows = Reservation.objects.filter(tenant=tenant)
    used = {row["kind"]: row["total"] for row in rows.values("kind").annotate(total=Sum("amount"))}
    own = dict(rows.filter(subject=subject).values_list("kind", "amount")) if subject else {}
    result = []
    for kind in QuotaKind.values:
        now = used.get(kind, 0)
        after = now - own.get(kind, 0) + wanted.get(kind, 0) if wanted is not None else now
        result.append(Line(kind=kind, limit=limits.get(kind, 0), used=now, after=after))
    return result


def reserve(tenant: Tenant, subject: UUID, wanted: Mapping[str, int]) -> None:
    """Make the subject's reservations exactly `wanted`, or raise QuotaExceeded with the figures.

    Call inside a transaction; locks the tenant row first, so that two wishes at once cannot both fit.
    """
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    for line in lines(tenant, subject=subject, wanted=wanted):
        if line.over:
            raise exceeded(tenant, line)
    for kind, amount in wanted.items():
        Reservation.objects.update_or_create(kind=kind, subject=subject, defaults={"tenant": tenant, "amount": amount})


def exceeded(tenant: Tenant, line: Line) -> QuotaExceeded:
    """Return the refusal of a line that is over, with its figures."""
    return QuotaExceeded(
        "error.quota_exceeded",
        tenant=tenant.slug,
        resource=line.kind,
        kind=Said(f"quota.{line.kind}").stored(),
        limit=line.limit,
        used=line.used,
        adds=line.adds,
    )


def release(subject: UUID) -> None:
    """Give back all that a subject had reserved."""
    Reservation.objects.filter(subject=subject).delete()
