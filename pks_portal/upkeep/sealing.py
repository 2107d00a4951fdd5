"""Seal everything anew under the active key: every sealed column, every key file, and what other packages seal.

Each row and file is one step of its own under its lock, so that rotation may be killed at any point and run again, and
goes on beside everybody who writes.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.db import models, transaction

from pks_portal import keyring, keys, sealed
from pks_portal.sealed import SealedField

BATCH = 500

EXTRA: "list[Source]" = []
"""What is sealed in columns that are not ours (allauth's); each package adds its own when Django starts."""


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of sealed thing: `texts` yields what is sealed now, `renew` seals all anew and returns how many."""

    name: str
    texts: Callable[[], Iterator[str]]
    renew: Callable[[], int]


def sources(data: Path) -> list[Source]:
    """Return every kind of sealed thing, with the key files of a data directory."""
    columns = [
        Source(f"{model._meta.label_lower}.{field.name}", _texts(model, field.name), _renewer(model, field.name))
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, SealedField)
    ]
    return [*columns, *EXTRA, Source("key files", lambda: _file_texts(data), lambda: _renew_files(data))]


def renew(data: Path) -> dict[str, int]:
    """Seal everything anew that is not under the active key; return by kind how many there were."""
    return {source.name: source.renew() for source in sources(data)}


def used(data: Path) -> Counter[str]:
    """Return how many sealed things each key opens; what lies in plain counts under ""."""
    found: Counter[str] = Counter()
    for source in sources(data):
        found.update(_key_of(text) for text in source.texts())
    return found


def renewed(text: str, place: str) -> str:
    """Return a sealed text under the active key. Raises KeyRingError."""
    ring = keyring.ring()
    return ring.seal(ring.open(text, place), place) if ring.stale(text) else text


def _key_of(text: str) -> str:
    scheme, _, rest = text.partition(".")
    return rest.partition(".")[0] if scheme == keyring.SCHEME else ""


def _texts(model: type[models.Model], field: str) -> Callable[[], Iterator[str]]:
    rows = model._default_manager.exclude(**{field: ""})
    return lambda: rows.values_list(field, flat=True).iterator(BATCH)


def _renewer(model: type[models.Model], field: str) -> Callable[[], int]:
    rows = model._default_manager

    def renew() -> int:
        stale = rows.exclude(**{field: ""}).exclude(**{f"{field}__startswith": _prefix()})
        return sum(one(pk) for pk in list(stale.values_list("pk", flat=True)))

    @transaction.atomic
    def one(pk: object) -> int:
        row = rows.select_for_update().filter(pk=pk).first()
        if row is None or not (text := getattr(row, field)) or not keyring.ring().stale(text):
            return 0  # gone, or written anew meanwhile
        return rows.filter(pk=pk).update(**{field: renewed(text, sealed.place(row, field))})

    return renew


def _prefix() -> str:
    return f"{keyring.SCHEME}.{keyring.ring().active}."


def _file_texts(data: Path) -> Iterator[str]:
    for path in keys.kept(data):
        yield path.read_bytes().decode(errors="replace")


def _renew_files(data: Path) -> int:
    return sum(keys.renew(path) for path in keys.kept(data))
