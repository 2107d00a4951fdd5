"""Which function carries which kind of operation on; each app declares its kinds when Django starts."""

from collections.abc import Callable
from dataclasses import dataclass

from pks_portal.errors import PortalError
from pks_portal.operations.models import Operation
from tenants.models import User


@dataclass(frozen=True, slots=True)
class Turn:
    """What one short turn of work came to.

    `done`: nothing is left to do. `again`: seconds until the next turn.
    """

    done: bool = False
    again: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a kind of operation works.

    `turn` takes the next short step and says how far it is; it may be called again at any point. `succeeded`, `failed`
    and `cancelled` settle the subject's row in the transaction that ends the operation. `attempts`: how often in a row
    Unavailable is tried again. `retry` starts a failed or cancelled one anew, as a new operation. `dropped` is called
    instead of `cancelled` for one that was still held, with who gave it up.
    """

    turn: Callable[[Operation], Turn]
    succeeded: Callable[[Operation], None] = lambda _operation: None
    failed: Callable[[Operation, PortalError], None] = lambda _operation, _error: None
    cancelled: Callable[[Operation], None] = lambda _operation: None
    dropped: Callable[[Operation, User | None], None] = lambda _operation, _by: None
    retry: Callable[[User, Operation], Operation] | None = None
    attempts: int = 10


KINDS: dict[str, Kind] = {}


def declare(name: str, kind: Kind) -> None:
    """Add a kind; the text of its title is the message "task.<name>"."""
    KINDS[name] = kind
