"""Walk the chain from its beginning to its head and say whether anything was changed, taken out, put in or moved."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

from tenants.audit import guards
from tenants.audit.sealing import GENESIS, chained, head, seal
from tenants.models import AuditEntry, AuditHead, AuditPurge, AuditSeal

AT_ONCE: Final = 1_000
LATE: Final = timedelta(hours=1)
Anchor = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """The first place where the trail is not what it was.

    `how`: "changed", "missing", "inserted", "reordered", "rewritten" (not what the anchor says) or "purged" (without
    a record of who did). `number`: the place in the chain.
    """

    how: str
    number: int

    def __str__(self) -> str:
        return f"{self.how} at {self.number}"


@dataclass(slots=True)
class Report:
    """What was found: how many entries are right, from which place on, and what stands beside them."""

    right: int = 0
    after: int = 0
    sealed: int = 0
    fault: Fault | None = None
    unsealed: int = 0
    late: int = 0
    unguarded: list[str] = field(default_factory=list)
    head: str = ""
    anchored: bool | None = None


def verify(anchor: Anchor | None = None) -> Report:
    """Seal what is not yet sealed, walk the chain in bounded memory, and note the outcome for the health page.

    `anchor`: a place and its hash as somebody outside kept them; only with one is a trail that was rewritten as a
    whole found out.
    """
    report = _report(anchor)
    while report.fault and _beginning()[0] != report.after:  # purged meanwhile: what went is no fault
        report = _report(anchor)
    AuditHead.objects.filter(pk=1).update(
        verified_at=timezone.now(), verified_number=report.sealed, verified_fault=str(report.fault or "")
    )
    return report


def _report(anchor: Anchor | None) -> Report:
    seal(everything=True)
    last = head()
    number, hash_ = _beginning()
    report = Report(after=number, sealed=last.number, head=str(last), unguarded=guards.missing(connection))
    if anchor is not None:
        report.anchored = number <= anchor[0] <= last.number
    report.fault = _walk(report, number, hash_, last, anchor) or _purge_unrecorded()
    report.unsealed = AuditEntry.objects.filter(seal=None).count()
    return report


def _beginning() -> Anchor:
    purge = AuditPurge.objects.order_by("-number").first()
    return (purge.number, purge.hash) if purge else (0, GENESIS)


def _walk(report: Report, number: int, before: str, last: AuditHead, anchor: Anchor | None) -> Fault | None:
    newest: datetime | None = None
    for row, following in _in_pairs(number, last.number):
        if number == (anchor or (-1, ""))[0] and before != (anchor or (0, ""))[1]:
            return Fault("rewritten", number)
        if fault := _wrong(before, number + 1, row, following):
            return fault
        number, before = row.number, row.hash
        report.right += 1
        newest = max(newest or row.entry.at, row.entry.at)
        report.late += newest - row.entry.at > LATE
    return _end(number, before, last, anchor)


def _end(number: int, before: str, last: AuditHead, anchor: Anchor | None) -> Fault | None:
    if anchor and anchor[0] == number and anchor[1] != before:
        return Fault("rewritten", number)
    if number < last.number:
        return Fault("missing", number + 1)
    if before != last.hash:
        return Fault("rewritten", number)
    beyond = AuditSeal.objects.filter(number__gt=last.number)
    if beyond.exists() and head().number == last.number:
        return Fault("inserted", last.number + 1)
    return None


def _wrong(before: str, number: int, row: AuditSeal, following: AuditSeal | None) -> Fault | None:
    """Return what is wrong with a seal, guessed from what its neighbours still say."""
    if row.number != number:
        return Fault("missing", number)
    if row.hash == chained(before, number, row.entry):
        return None
    return Fault(_how(before, number, row, following), number)


def _how(before: str, number: int, row: AuditSeal, following: AuditSeal | None) -> str:
    if following is None:
        return "changed"
    if row.hash == chained(before, number, following.entry):
        return "reordered"
    if following.hash == chained(before, number, following.entry):
        return "inserted"
    if following.hash == chained(row.hash, following.number + 1, following.entry):
        return "missing"
    return "changed"


def _in_pairs(after: int, up_to: int) -> Iterator[tuple[AuditSeal, AuditSeal | None]]:
    """Return each seal in order with the one that follows it."""
    held: AuditSeal | None = None
    for row in _seals(after, up_to):
        if held is not None:
            yield held, row
        held = row
    if held is not None:
        yield held, None


def _seals(after: int, up_to: int) -> Iterator[AuditSeal]:
    chain = AuditSeal.objects.filter(number__lte=up_to).select_related("entry").order_by("number")
    while rows := list(chain.filter(number__gt=after)[:AT_ONCE]):
        yield from rows
        after = rows[-1].number


def _purge_unrecorded() -> Fault | None:
    """Find a purge that nobody recorded: somebody's way round the triggers."""
    purge = AuditPurge.objects.order_by("-number").first()
    if purge is None:
        return None
    recorded = AuditEntry.objects.filter(
        action="audit.purge", facts__number=purge.number, facts__hash=purge.hash, seal__number__gt=purge.number
    )
    return None if recorded.exists() else Fault("purged", purge.number)
