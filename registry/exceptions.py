"""Vulnerabilities that a project may live with: asked for with a reason, decided by somebody else, for a time."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from pks_portal.errors import Conflict, Forbidden, Invalid
from registry import patterns, rights, telling
from registry.models import CveException, Project
from tenants import audit
from tenants.models import User

VULNERABILITY: Final = re.compile(r"[A-Z][A-Z0-9]{1,11}-[A-Za-z0-9._-]{3,45}")
LONGEST_DAYS: Final = 365
LONGEST_TEXT: Final = 500
Status = CveException.Status


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: `repositories` a pattern, `package` empty: any, `days` from the decision on."""

    vulnerability: str
    reason: str
    days: int
    repositories: str = "**"
    package: str = ""


def ask(actor: User, project: Project, wish: Wish) -> CveException:
    """Ask for an exception. Raises Forbidden, Invalid, Conflict (asked for already)."""
    rights.require(actor, "registry.ask_exception", project)
    if not VULNERABILITY.fullmatch(wish.vulnerability):
        raise Invalid("error.exception_vulnerability", field="vulnerability", value=wish.vulnerability[:40])
    reason = wish.reason.strip()
    if not reason or len(reason) > LONGEST_TEXT:
        raise Invalid("error.exception_reason", field="reason", most=LONGEST_TEXT)
    if not 1 <= wish.days <= LONGEST_DAYS:
        raise Invalid("error.exception_days", field="days", most=LONGEST_DAYS)
    pattern = patterns.check(wish.repositories or "**", "repositories")
    try:
        with transaction.atomic():
            row = CveException.objects.create(
                project=project, vulnerability=wish.vulnerability, repositories=pattern,
                package=wish.package.strip()[:200], reason=reason, asked_by=actor,
                expires_at=timezone.now() + timedelta(days=wish.days),
            )  # fmt: skip
            _record(actor, "ask", row, reason=reason, days=wish.days)
            telling.asked(row)
    except IntegrityError:
        raise Conflict("error.exception_asked", vulnerability=wish.vulnerability) from None
    return row


@transaction.atomic
def decide(actor: User, row: CveException, *, approve: bool, comment: str = "") -> CveException:
    """Approve or reject; nobody decides what they asked for. Raises Forbidden, Conflict (decided, or over)."""
    rights.require(actor, "registry.decide_exception", row.project)
    row = CveException.objects.select_for_update(of=("self",)).select_related("project__tenant").get(pk=row.pk)
    if row.asked_by_id == actor.pk:
        raise Forbidden("error.exception_own")
    if row.status != Status.OPEN:
        raise Conflict("error.exception_decided")
    row.status = Status.APPROVED if approve else Status.REJECTED
    row.decided_by, row.decided_at, row.comment = actor, timezone.now(), comment.strip()[:LONGEST_TEXT]
    if approve:
        row.expires_at = row.decided_at + (row.expires_at - row.asked_at)
    row.save()
    _record(actor, "approve" if approve else "reject", row, comment=row.comment)
    telling.decided(row)
    return row


@transaction.atomic
def withdraw(actor: User, row: CveException) -> CveException:
    """Take a wish back, or end an exception before its time. Raises Forbidden, Conflict (over already)."""
    mine = row.asked_by_id == actor.pk and row.status == Status.OPEN
    rights.require(actor, "registry.ask_exception" if mine else "registry.decide_exception", row.project)
    row = CveException.objects.select_for_update(of=("self",)).select_related("project__tenant").get(pk=row.pk)
    if row.status not in {Status.OPEN, Status.APPROVED}:
        raise Conflict("error.exception_decided")
    row.status = Status.WITHDRAWN
    row.save(update_fields=["status"])
    _record(actor, "withdraw", row)
    return row


def open_for(user: User) -> QuerySet[CveException]:
    """Return what waits for somebody's decision: not what they asked for themselves."""
    projects = Project.objects.visible_to(user, "registry.decide_exception")
    rows = CveException.objects.filter(project__in=projects, status=Status.OPEN).exclude(asked_by=user)
    return rows.select_related("project__tenant", "asked_by")


def _record(actor: User, deed: str, row: CveException, **facts: object) -> None:
    audit.record(
        actor, f"registry.exception_{deed}", row.project, tenant=row.project.tenant,
        vulnerability=row.vulnerability, **facts,
    )  # fmt: skip
