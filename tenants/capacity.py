"""How much room there is where wishes are built. The features that know it say so here; tenants knows none of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pks_portal.messages import Said
from tenants.models import QuotaRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """A place's room of one thing: how much there is, is in use, and the wish adds, in the unit that `said` names."""

    said: Said
    total: float
    used: float
    adds: float


Look = Callable[[QuotaRequest], Iterable[Capacity]]
_PLACES: list[Look] = []


def offer(look: Look) -> None:
    """Have a feature say what room there is for what a request waits for."""
    _PLACES.append(look)


def capacity(request: QuotaRequest) -> list[Capacity]:
    """Return what is known of the room for a request; nothing where nobody can tell."""
    return [line for look in _PLACES for line in look(request)]
