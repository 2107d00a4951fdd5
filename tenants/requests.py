"""Ask for more than the limits, and decide on that. Each deed is one transaction.

Locks are taken in the order tenant, request (before them comes an operation, after them a cluster). What waits for a
request is another app's: it is told by its Celery task, by name, and by a sweep looks for what it missed.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from pks_portal import channel
from pks_portal.errors import Conflict, Forbidden, Invalid, PortalError
from pks_portal.messages import Said
from tenants import audit, notices, quotas
from tenants.access import Decision, may, people_where, refuse_archived, require, tenants_where
from tenants.automation.owning import people_behind, programs_of
from tenants.models import QuotaGrant, QuotaKind, QuotaRequest, QuotaRequestLine, Tenant, User
from tenants.quotas import trend
from tenants.request_facts import Context, context, enough_for, fitting
from tenants.roles import send_soon

__all__ = [
    "Context", "Wish", "approve", "ask", "asked_by", "context", "drop", "enough_for", "fitting", "history", "lapse",
    "lapse_left", "may_decide", "may_withdraw", "reject", "trend", "visible_to", "waiting_for", "withdraw",
]  # fmt: skip

Status = QuotaRequest.Status
DECIDED: Final = "clusters.starting.settle_held"
LONGEST_TEXT: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What waits for an approval: the held task's id and title, under what it reserves, and its size (QuotaRequest)."""

    id: UUID
    said: Said
    subject: UUID
    size: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def ask(
    actor: User, tenant: Tenant, extra: Mapping[str, int], *, reason: str, wish: Wish | None = None
) -> QuotaRequest:
    """Ask that the tenant may have so much more of some kinds; who may approve is told.

    Without a wish it needs the right and a reason; who makes a wish needs the right to that, which the caller asked
    for. Raises Forbidden, Invalid, Conflict (archived).
    """
    if wish is None:
        require(actor, "quota.request", tenant)
        if not reason.strip():
            raise Invalid("error.reason_missing", field="reason")
    row = quotas.lock(tenant)
    refuse_archived(row)
    lines = _asked(row, extra)
    request = QuotaRequest.objects.create(
        tenant=row, requester=actor, reason=_text(reason),
        wish=wish.id if wish else None, wish_said=wish.said.stored() if wish else {},
        subject=wish.subject if wish else None, size=dict(wish.size) if wish else {},
    )  # fmt: skip
    QuotaRequestLine.objects.bulk_create(
        QuotaRequestLine(request=request, kind=kind, asked=amount) for kind, amount in lines.items()
    )
    audit.record(actor, "quota.ask", request, tenant=row, amounts=lines, reason=request.reason, task=request.wish)
    approvers = people_where("quota.approve", None).exclude(pk__in=people_behind(actor).values("pk"))
    _tell("quota.requested", request, approvers, person=actor.username)
    _changed(request)
    return request


def _asked(tenant: Tenant, extra: Mapping[str, int]) -> dict[str, int]:
    """Return the amounts that are asked for, in the order of kinds. Raises Invalid."""
    if strange := extra.keys() - set(QuotaKind.values):
        raise Invalid("error.quota_kind", field=min(strange)[:40], kind=min(strange)[:40])
    if wrong := [kind for kind, amount in extra.items() if not 0 <= amount <= quotas.MOST]:
        raise Invalid("error.quota_amount", field=wrong[0], most=quotas.MOST)
    limits = quotas.limits_of(tenant)
    lines = {kind: extra[kind] for kind in QuotaKind.values if extra.get(kind)}
    if not lines:
        raise Invalid("error.quota_nothing")
    if unlimited := [kind for kind in lines if limits[kind] is None]:
        raise Invalid("error.quota_unlimited", field=unlimited[0], kind=Said(f"quota.{unlimited[0]}").stored())
    return lines


@transaction.atomic
def approve(
    actor: User,
    request: QuotaRequest,
    granted: Mapping[str, int],
    *,
    expires_at: datetime | None = None,
    comment: str = "",
) -> QuotaRequest:
    """Grant all or part of what is asked, for good or until a time; what waits for it starts by itself.

    Raises Forbidden (also one's own request), Invalid, Conflict (decided already, or archived).
    """
    row, tenant = _to_decide(actor, request)
    refuse_archived(tenant)
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid("error.grant_over", field="expires_at")
    lines = list(row.lines.all())
    _check_granted(lines, granted)
    for line in lines:
        line.granted = granted.get(line.kind, 0)
        line.save(update_fields=["granted"])
        if line.granted:
            QuotaGrant.objects.create(
                tenant=tenant, kind=line.kind, amount=line.granted, request=row, expires_at=expires_at
            )
    amounts = {line.kind: line.granted for line in lines}
    _close(row, Status.APPROVED, actor, comment, expires_at=expires_at)
    audit.record(
        actor, "quota.approve", row, tenant=tenant, amounts=amounts, expires=expires_at, comment=row.comment
    )  # fmt: skip
    _tell("quota.approved", row, _concerned(row).exclude(pk=actor.pk), actor=actor.username)
    return row


def _check_granted(lines: list[QuotaRequestLine], granted: Mapping[str, int]) -> None:
    """Raise Invalid unless something is granted, of what is asked, and no more than that."""
    asked = {line.kind: line.asked for line in lines}
    for kind, amount in granted.items():
        if not 0 <= amount <= asked.get(kind, 0):
            raise Invalid("error.grant_more", field=f"granted-{kind}", most=asked.get(kind, 0))
    if not any(granted.values()):
        raise Invalid("error.grant_nothing", field="granted")


@transaction.atomic
def reject(actor: User, request: QuotaRequest, comment: str) -> QuotaRequest:
    """Refuse a request, saying why; what waits for it ends. Raises Forbidden, Invalid (no comment), Conflict."""
    if not comment.strip():
        raise Invalid("error.comment_missing", field="comment")
    row, tenant = _to_decide(actor, request)
    _close(row, Status.REJECTED, actor, comment)
    audit.record(actor, "quota.reject", row, tenant=tenant, comment=row.comment)
    _tell("quota.rejected", row, _concerned(row).exclude(pk=actor.pk), actor=actor.username, comment=row.comment)
    return row


@transaction.atomic
def withdraw(actor: User, request: QuotaRequest) -> QuotaRequest:
    """Take a request back; what waits for it ends. Raises Forbidden, Conflict (it is decided)."""
    if not (decision := may_withdraw(actor, request)):
        raise Forbidden("error.forbidden", action="quota.request", reason=decision.reason)
    row, tenant = _open(request)
    _close(row, Status.WITHDRAWN, actor, "")
    audit.record(actor, "quota.withdraw", row, tenant=tenant)
    return row


def drop(wish: UUID, by: User | None) -> None:
    """Note that a wish was given up by whoever cancelled its held task: its open request is withdrawn."""
    _drop(QuotaRequest.objects.filter(wish=wish), Status.WITHDRAWN, by)


def lapse(wish: UUID) -> None:
    """Note that what was wished for cannot be any more: its open request lapses, and who is concerned is told."""
    _drop(QuotaRequest.objects.filter(wish=wish), Status.LAPSED, None)


def lapse_left() -> None:
    """Let the open requests of people lapse who have left: nobody waits for them, and their wishes have no rights."""
    _drop(QuotaRequest.objects.filter(requester__is_active=False), Status.LAPSED, None)


def _drop(rows: QuerySet[QuotaRequest], status: str, by: User | None) -> None:
    for found in rows.filter(status=Status.PENDING):
        with suppress(Conflict), transaction.atomic():  # decided in this moment
            row, tenant = _open(found)
            _close(row, status, by, "")
            lapsed = status == Status.LAPSED
            audit.record(by, "quota.lapse" if lapsed else "quota.withdraw", row, tenant=tenant)
            if lapsed:
                _tell("quota.lapsed", row, _concerned(row))


def may_decide(user: User, request: QuotaRequest) -> Decision:
    """Say whether the user may approve or reject the request: never one's own, and once."""
    if not (decision := may(user, "quota.approve", request.tenant)):
        return decision
    if _own(user, request):
        return Decision(allowed=False, reason=_("It is your own request: somebody else decides."))
    if not request.pending:
        return Decision(allowed=False, reason=_("It is decided already."))
    return Decision(allowed=True)


def may_withdraw(user: User, request: QuotaRequest) -> Decision:
    """Say whether the user may take the request back: who asked, as long as they see the tenant, or who may ask."""
    own = request.requester_id == user.pk and may(user, "quota.view", request.tenant)
    if not own and not (decision := may(user, "quota.request", request.tenant)):
        return decision
    return Decision(allowed=True)


def visible_to(user: User) -> QuerySet[QuotaRequest]:
    """Return the requests of the tenants whose quota the user sees."""
    return QuotaRequest.objects.filter(tenant__in=tenants_where(user, "quota.view"))


def waiting_for(user: User) -> QuerySet[QuotaRequest]:
    """Return what the user may decide now, the oldest first."""
    rows = QuotaRequest.objects.filter(status=Status.PENDING, tenant__in=tenants_where(user, "quota.approve"))
    own = Q(requester=user) | Q(requester__in=programs_of(user).values("pk"))
    return rows.exclude(own).order_by("created_at", "id")


def asked_by(user: User) -> QuerySet[QuotaRequest]:
    """Return what the user asked for, the newest first."""
    return visible_to(user).filter(requester=user)


def history(user: User) -> QuerySet[QuotaRequest]:
    """Return what is decided and concerns the user: decided or asked by them, or of a tenant where they may ask."""
    concerns = Q(decided_by=user) | Q(requester=user) | Q(tenant__in=tenants_where(user, "quota.request"))
    if tenants_where(user, "quota.approve").exists():
        concerns |= Q(pk__isnull=False)
    return visible_to(user).filter(concerns).exclude(status=Status.PENDING).order_by("-decided_at", "id")


def _to_decide(actor: User, request: QuotaRequest) -> tuple[QuotaRequest, Tenant]:
    """Return the open request and its tenant, locked. Raises Forbidden, Conflict."""
    require(actor, "quota.approve", request.tenant)
    if _own(actor, request):
        raise Forbidden("error.own_request")
    return _open(request)


def _own(user: User, request: QuotaRequest) -> bool:
    """Say whether the person asked, or a service account that is theirs."""
    if request.requester.kind == User.Kind.PERSON:
        return request.requester_id == user.pk
    return programs_of(user).filter(pk=request.requester_id).exists()


def _open(request: QuotaRequest) -> tuple[QuotaRequest, Tenant]:
    """Lock tenant and request and return them. Raises Conflict when it is decided, with who did so."""
    tenant = quotas.lock(request.tenant_id)
    row = QuotaRequest.objects.select_for_update().get(pk=request.pk)
    if not row.pending:
        who = row.decided_by.username if row.decided_by else "portal"
        raise _decided(row, who)
    return row, tenant


def _decided(row: QuotaRequest, who: str) -> PortalError:
    status = Said(f"quota_request.{row.status}").stored()
    return Conflict("error.request_decided", link=f"/approvals/{row.pk}", by=who, state=row.status, said=status)


def _close(
    row: QuotaRequest, status: str, by: User | None, comment: str, *, expires_at: datetime | None = None
) -> None:
    row.status, row.decided_by, row.decided_at = status, by, timezone.now()
    row.comment, row.expires_at = _text(comment), expires_at
    row.save(update_fields=["status", "decided_by", "decided_at", "comment", "expires_at"])
    if row.wish:
        send_soon(DECIDED, str(row.wish))
    _changed(row)


def _concerned(row: QuotaRequest) -> QuerySet[User]:
    """Return whom a decision concerns: the requester, and who may ask in the tenant."""
    asking = people_where("quota.request", row.tenant)
    return User.objects.filter(Q(pk__in=asking.values("pk")) | Q(pk=row.requester_id, is_active=True))


def _tell(kind: str, row: QuotaRequest, to: QuerySet[User], **args: Any) -> None:
    what = row.wish_said or Said("quota.more").stored()
    notices.tell(
        kind, to=to, tenant=row.tenant, link=f"/approvals/{row.pk}", tenant_name=row.tenant.slug, what=what, **args
    )


def _changed(row: QuotaRequest) -> None:
    message = {"type": "feed.changed", "kind": "request", "id": str(row.pk), "tenant": row.tenant_id}
    channel.send_soon("feed", message)


def _text(text: str) -> str:
    return text.strip()[:LONGEST_TEXT]
