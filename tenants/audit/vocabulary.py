"""Which deeds there are and which facts each may hold: what is not declared is not kept.

An allow-list, because whoever adds an argument somewhere must not by accident put a secret into a record that nobody
can delete. Values are scalars or short lists of them, cut to a length, free of characters that no database keeps.
"""

import json
import logging
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import singledispatch
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.utils.functional import Promise

from pks_portal import text
from pks_portal.messages import Said

log = logging.getLogger(__name__)

LONGEST: Final = 500
"""Characters of a value."""
MOST: Final = 50
"""Values of a list."""
DECLARED: dict[str, frozenset[str]] = {}
STORED_TEXT: Final = {"key", "args"}


class Undeclared(LookupError):
    """A deed, a fact or a kind of value that nobody declared."""


def declare(action: str, *facts: str) -> None:
    """Declare a deed with the names of its facts, beside its text `deed.<action>`; twice only with the same facts."""
    if DECLARED.setdefault(action, frozenset(facts)) != frozenset(facts):
        raise ValueError(f"The deed {action} is declared twice, with different facts.")


def declared(action: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that may be kept.

    What is not declared raises Undeclared where PKS_STRICT is set (tests, development). In production it is left out
    and logged without its value: a deed must be recorded even when the record would be incomplete.
    """
    allowed = DECLARED.get(action)
    if allowed is None:
        _complain(f"the deed {action} is not declared")
        return {}
    if strange := sorted(facts.keys() - allowed):
        _complain(f"the deed {action} has undeclared facts: {', '.join(strange)}")
    kept = {name: _plain_or_complaint(action, name, facts[name]) for name in sorted(facts.keys() & allowed)}
    return {name: value for name, value in kept.items() if value is not Undeclared}


def _complain(problem: str) -> None:
    if settings.PKS_STRICT:
        raise Undeclared(problem)
    log.error("Audit: %s; left out.", problem)


def _plain_or_complaint(action: str, name: str, value: Any) -> Any:
    try:
        return plain(value)
    except TypeError:
        _complain(f"the fact {name} of {action} is a {type(value).__name__}")
        return Undeclared


@singledispatch
def plain(value: Any) -> Any:
    """Return a value as it is kept. Raises TypeError for what is neither scalar nor a short list of scalars."""
    raise TypeError(type(value).__name__)


@plain.register
def _(value: int | float | None) -> Any:
    return value


@plain.register
def _(value: str | UUID | Decimal | Promise) -> str:
    return short(str(value), LONGEST)


@plain.register
def _(value: datetime | date) -> str:
    return value.isoformat()


@plain.register
def _(value: Said) -> Any:
    return plain(value.stored())


@plain.register(list)
@plain.register(tuple)
@plain.register(set)
@plain.register(frozenset)
def _(value: Any) -> list[Any]:
    rows = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
    kept = [scalar(row) for row in rows[:MOST]]
    return [*kept, f"… {len(rows)}"] if len(rows) > MOST else kept


@plain.register
def _(value: dict) -> Any:  # type: ignore[type-arg]
    """Keep a stored text as it is, so that it is read in the reader's language; of other mappings "name=value"."""
    if value.keys() == STORED_TEXT:
        return {"key": scalar(value["key"]), "args": {str(name): plain(part) for name, part in value["args"].items()}}
    return plain([f"{name}={scalar(part)}" for name, part in value.items()])


def scalar(value: Any) -> Any:
    """Return a single value as it is kept. Raises TypeError for a list or mapping."""
    if isinstance(value, list | tuple | set | frozenset | dict):
        raise TypeError(type(value).__name__)
    return plain(value)


def short(value: str, longest: int) -> str:
    """Return a text cut to a length, with signs of replacement for what no database keeps."""
    value = text.IMPOSSIBLE.sub("\ufffd", value)
    return value if len(value) <= longest else f"{value[: longest - 1]}…"


def one_line(value: str, longest: int) -> str:
    """Return a text for a column or a line: control characters as JSON escapes them, cut to a length."""
    return short("".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in value), longest)
