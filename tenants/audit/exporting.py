"""The trail as a file: rows for spreadsheets (CSV) and for programs (JSON Lines), read piece by piece."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any, Final

from tenants.audit import sealing
from tenants.audit.reading import Entries
from tenants.audit.recording import record
from tenants.models import AuditEntry, AuditHead, User

AT_ONCE: Final = 1_000
FORMS: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
COLUMNS: Final = (
    "id", "at", "actor", "door", "address", "request_id", "action", "tenant", "subject_type", "subject_id", "subject",
    "facts", "number", "hash",
)  # fmt: skip
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def begin(user: User, form: str, filters: dict[str, str]) -> AuditHead:
    """Seal, record the export, tell the log the head. Return it: what stands in the file is under it."""
    sealing.seal()
    last = sealing.head()
    record(user, "audit.export", None, form=form, filters=filters, head=str(last))
    sealing.tell(now=True)
    return last


def lines(rows: Entries, form: str, last: AuditHead) -> Iterator[str]:
    """Return the file's lines, the oldest entry first; JSON Lines end with the head of the chain and the count."""
    return _csv(rows) if form == "csv" else _json(rows, last)


def row_of(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry as plain values, by COLUMNS; what has no seal yet has no number and hash."""
    seal = getattr(entry, "seal", None)
    values = (
        entry.pk, entry.at.astimezone(UTC).isoformat(), entry.actor_name, entry.via, entry.address, entry.request_id,
        entry.action, entry.tenant.slug if entry.tenant else None, entry.subject_type, entry.subject_id,
        entry.subject_name, entry.facts, seal.number if seal else None, seal.hash if seal else None,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _json(rows: Entries, last: AuditHead) -> Iterator[str]:
    count = 0
    for count, entry in enumerate(_entries(rows), start=1):  # noqa: B007 - the last count is told
        yield json.dumps(row_of(entry), ensure_ascii=True) + "\n"
    yield json.dumps({"head": {"number": last.number, "hash": last.hash}, "entries": count}) + "\n"


def _csv(rows: Entries) -> Iterator[str]:
    yield _line(COLUMNS)
    for entry in _entries(rows):
        values = row_of(entry)
        yield _line([*(values | {"facts": json.dumps(values["facts"], ensure_ascii=False)}).values()])


def _line(values: Any) -> str:
    """Return a line of CSV in which no cell is a formula to a spreadsheet."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow([_cell(value) for value in values])
    return out.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _entries(rows: Entries) -> Iterator[AuditEntry]:
    """Return the rows by their ids upwards, as far as they went at the beginning, some at a time."""
    newest = rows.order_by("-pk").values_list("pk", flat=True).first() or 0
    after = 0
    while piece := list(rows.order_by("pk").filter(pk__gt=after, pk__lte=newest)[:AT_ONCE]):
        yield from piece
        after = piece[-1].pk
