"""Tell watchers that there is something new; what it is they read from the database."""

from functools import partial
from uuid import UUID

from django.db import transaction

from pks_portal.channel import keep_connection, send

__all__ = ["FEED", "changed", "changed_soon", "group_of", "keep_connection", "nudge"]

FEED = "feed"


def group_of(operation_id: UUID | str) -> str:
    """Return the channel group of those who watch an operation."""
    return f"operation.{operation_id}"


def nudge(operation_id: UUID, seq: int) -> None:
    """Tell those who watch an operation that event `seq` is there."""
    send(group_of(operation_id), {"type": "operation.changed", "seq": seq})


def changed(kind: str, subject_id: UUID | str, tenant_id: int | None) -> None:
    """Tell open lists that a row ("cluster", "task") changed; only its id travels, each looks whether it may see."""
    send(FEED, {"type": "feed.changed", "kind": kind, "id": str(subject_id), "tenant": tenant_id})


def changed_soon(kind: str, subject_id: UUID | str, tenant_id: int | None) -> None:
    """Tell open lists that a row changed, once the transaction that changes it is committed."""
    transaction.on_commit(partial(changed, kind, subject_id, tenant_id))
