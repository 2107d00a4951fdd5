"""A wish over the quota as a request: by how much it is over, and what may be asked for on its form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from clusters import held
from clusters.services import ChangePreview
from pks_portal.errors import Conflict, Invalid, QuotaExceeded
from tenants import quotas
from tenants.models import QuotaKind

REASON_LENGTH = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much more of a kind is asked for: `needed` by the wish, `value` as it is on the form."""

    line: quotas.Line
    needed: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A prefilled request. `least` nodes: with fewer the person would rather have nothing; `reason` as typed."""

    amounts: list[Amount]
    nodes: int
    least: int
    fewest: int
    reason: str

    @classmethod
    def of(cls, change: ChangePreview | None, query: Mapping[str, str], *, nodes: int, fewest: int) -> Self | None:
        """Return the request that would let the change be made; None when it fits, or cannot be made anyhow."""
        if change is None or not any(isinstance(refusal, QuotaExceeded) for refusal in change.refusals):
            return None
        if not all(isinstance(refusal, QuotaExceeded) for refusal in change.refusals):
            return None
        amounts = [_amount(line, query) for line in change.quota if line.over]
        least = _number(query.get("least", "")) or fewest
        return cls(
            amounts=amounts, nodes=nodes, fewest=fewest, least=max(fewest, min(nodes, least)),
            reason=query.get("reason", "")[:REASON_LENGTH],
        )  # fmt: skip


def sent(query: Mapping[str, str]) -> held.Asking | None:
    """Return what the form asks for, when it was sent as a request. Raises Invalid when no reason is given."""
    if query.get("ask") != "1":
        return None
    if not (reason := query.get("reason", "").strip()[:REASON_LENGTH]):
        raise Invalid("error.reason_missing", field="reason")
    extra = {kind: amount for kind in QuotaKind.values if (amount := _number(query.get(f"extra-{kind}", "")))}
    return held.Asking(reason=reason, extra=extra, least=_number(query.get("least", "")))


def needless(error: Exception) -> bool:
    """Say whether a request was refused because the wish fits the quota by now."""
    return isinstance(error, Conflict) and error.key == "error.within_quota"


def _amount(line: quotas.Line, query: Mapping[str, str]) -> Amount:
    """Return what is asked for of a kind: what the person raised stays, as long as it is enough."""
    needed = line.lacks
    typed, before = _number(query.get(f"extra-{line.kind}", "")), _number(query.get(f"needed-{line.kind}", ""))
    raised = typed is not None and typed != before
    return Amount(line=line, needed=needed, value=max(needed, typed or 0) if raised else needed)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None  # noqa: PLR2004 - fits the column
