"""Chain the entries by hashes, a moment after they were committed.

Chaining inside the deed's transaction would make every deed of the portal wait for every other one. So entries are
sealed afterwards, in the order in which they are found, by whoever holds the lock on the one row of AuditHead. Until
an entry is sealed, about two seconds, the chain does not protect it; the triggers do from the first moment.
"""

import hashlib
import json
import logging
from collections.abc import Iterable
from datetime import UTC, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from tenants.models import AuditEntry, AuditHead, AuditSeal

log = logging.getLogger("pks.audit")

AT_ONCE: Final = 500
LATEST: Final = 10_000
"""How far below the highest sealed entry a sealer looks for one that was committed late."""
TELL_EVERY: Final = timedelta(hours=1)
GENESIS: Final = "0" * 64


def canonical(entry: AuditEntry) -> str:
    """Return the entry as JSON that is the same for the same entry: sorted names, ASCII, moments in UTC."""
    said = {
        "id": entry.pk,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor_id,
        "actor_name": entry.actor_name,
        "via": entry.via,
        "address": entry.address,
        "request_id": entry.request_id,
        "action": entry.action,
        "tenant": entry.tenant_id,
        "subject_type": entry.subject_type,
        "subject_id": entry.subject_id,
        "subject_name": entry.subject_name,
        "facts": entry.facts,
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def chained(before: str, number: int, entry: AuditEntry) -> str:
    """Return the hash of the entry at a place: SHA-256 of "hash before", newline, number, newline, the entry."""
    return hashlib.sha256(f"{before}\n{number}\n{canonical(entry)}".encode()).hexdigest()


def seal(*, everything: bool = False) -> int:
    """Seal what is committed and not yet sealed; `everything` looks at the whole trail. Return how many were."""
    done = 0
    while _open(head(), everything=everything).exists():  # looked at without the lock: mostly there is nothing to do
        done += _seal_some(everything=everything)
    return done


def _open(last: AuditHead, *, everything: bool) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.filter(seal=None)
    return rows if everything else rows.filter(pk__gt=last.entry_id - LATEST)


def head() -> AuditHead:
    """Return the one row that says where the chain ends."""
    return AuditHead.objects.get_or_create(pk=1)[0]


@transaction.atomic
def _seal_some(*, everything: bool) -> int:
    last = AuditHead.objects.select_for_update().get(pk=1)  # before looking again: sealers take turns
    entries = list(_open(last, everything=everything).order_by("pk")[:AT_ONCE])
    AuditSeal.objects.bulk_create(_seals(last, entries))
    last.save(update_fields=["number", "hash", "entry_id"])
    return len(entries)


def _seals(last: AuditHead, entries: Iterable[AuditEntry]) -> list[AuditSeal]:
    """Return the seals of the entries, and move the head on to the last of them."""
    seals = []
    for entry in entries:
        last.number, last.hash = last.number + 1, chained(last.hash, last.number + 1, entry)
        last.entry_id = max(last.entry_id, entry.pk)
        seals.append(AuditSeal(entry=entry, number=last.number, hash=last.hash))
    return seals


def tell(*, now: bool = False) -> None:
    """Write the head to the log, once an hour or `now`, so that a collector outside holds an anchor."""
    last, moment = head(), timezone.now()
    if now or last.told_at is None or moment - last.told_at >= TELL_EVERY:
        log.info("audit.head %s:%s", last.number, last.hash)
        AuditHead.objects.filter(pk=1).update(told_at=moment)
