"""Texts that are stored as a key with arguments, and translated only when a person or a program reads them.

Events and errors outlive the request that made them and are read in another language by the next person, so
the database keeps `Said(key, args)`. Each app has a messages.py that adds its texts; the keys are stable, the words
are not.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

log = logging.getLogger(__name__)
CATALOGUE: dict[str, str] = {}
SINGLE = ("nodes", "members", "number")


def add(texts: Mapping[str, str]) -> None:
    """Add texts: {"cluster.busy": gettext_noop("%(name)s is busy.")}; a key may be added once only."""
    if doubled := CATALOGUE.keys() & texts.keys():
        raise ValueError(f"texts added twice: {sorted(doubled)}")
    CATALOGUE.update(texts)


@dataclass(frozen=True, slots=True)
class Said:
    """A text by its key, with its arguments (plain JSON values)."""

    key: str
    args: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return render(self.key, self.args)

    def stored(self) -> dict[str, Any]:
        """Return the text as plain JSON, fit to be an argument of another."""
        return {"key": self.key, "args": dict(self.args)}


def say(key: str, **args: Any) -> Said:
    """Return a text to be stored or shown later; the key must be in the catalogue."""
    return Said(key, args)


def render(key: str, args: Mapping[str, Any]) -> str:
    """Return the text in the active language; an unknown key (of a newer or older release) is shown as it is.

    Where there is a text "<key>.one", it is the one for a single thing: an argument of SINGLE is 1.
    """
    one = CATALOGUE.get(f"{key}.one") if any(args.get(name) == 1 for name in SINGLE) else None
    if (template := one or CATALOGUE.get(key)) is None:
        return " ".join([key, *(f"{name}={value}" for name, value in args.items())])
    return gettext(template) % _Given({name: shown(value) for name, value in args.items()})


class _Given(dict[str, Any]):
    """Arguments of a text; one that an older release did not keep is "?", but an error for developers."""

    def __missing__(self, name: str) -> str:
        if settings.PKS_STRICT:
            raise KeyError(name)
        log.error("A stored text lacks its argument %s.", name)
        return "?"


def shown(value: Any) -> Any:
    """Return an argument as it is shown; an argument may itself be a stored text, or a list of them."""
    if _is_stored(value):
        return render(value["key"], value["args"])
    if isinstance(value, list) and value and all(map(_is_stored, value)):
        return ", ".join(render(one["key"], one["args"]) for one in value)
    return value


def _is_stored(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"key", "args"}
