"""How far a task is, kept in its `wanted`: whoever goes on after a crash begins there."""

from typing import Any

from django.db import transaction

from pks_portal.operations import services as operations
from pks_portal.operations.models import Operation


def known(operation: Operation) -> dict[str, Any]:
    """Return what is kept now."""
    found: dict[str, Any] = operations.held(operation).values_list("wanted", flat=True).first() or {}
    return found


@transaction.atomic
def keep(operation: Operation, **changes: Any) -> None:
    """Keep some more. Raises Fenced."""
    row = operations.lock(operation)
    operations.held(operation).update(wanted={**row.wanted, **changes})
