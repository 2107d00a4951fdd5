"""Secrets in the database: a column that only ever holds sealed text, written with `put` and read with `get`."""

from typing import Any

from django.db import models

from pks_portal import keyring


class SealedField(models.TextField):  # type: ignore[type-arg]  # generic for mypy only
    """A column for a sealed secret, empty where there is none. Rotation finds every such column by this class."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"blank": True, "default": "", "editable": False, **kwargs})

    def get_prep_value(self, value: Any) -> Any:
        """Refuse plain text: a programming error that must not reach the disk."""
        if value and not str(value).startswith(f"{keyring.SCHEME}."):
            raise ValueError(f"{self.model.__name__}.{self.name} takes sealed text only; use pks_portal.sealed.put")
        return super().get_prep_value(value)


def put(row: models.Model, field: str, plain: str) -> None:
    """Seal a secret into the row's field, not yet saved; bound to the row, whose primary key must be known."""
    setattr(row, field, keyring.ring().seal(plain.encode(), place(row, field)) if plain else "")


def get(row: models.Model, field: str) -> str:
    """Return the row's secret in plain, empty where there is none. Raises KeyRingError."""
    text: str = getattr(row, field)
    return keyring.ring().open(text, place(row, field)).decode() if text else ""


def place(row: models.Model, field: str) -> str:
    """Return what a secret is bound to: "app.model:primary key:field"."""
    if row.pk is None:
        raise ValueError("A secret is bound to its row: give the model a UUID as its primary key.")
    return f"{row._meta.label_lower}:{row.pk}:{field}"
