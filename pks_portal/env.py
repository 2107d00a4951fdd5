"""Read typed settings from the environment; a NAME_FILE variable names a file that holds the value."""

import os
import re
from ipaddress import ip_network
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

SHORTEST = 40


def text(name: str, default: str | None = None) -> str:
    """Return the value of a variable, or of the file that NAME_FILE names.

    Raises ImproperlyConfigured when neither is set and there is no default.
    """
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"Set {name} (or {name}_FILE).")
    return value


def secret(name: str) -> str:
    """Return a secret, as `text` does. Raises ImproperlyConfigured also when it is short or an example's."""
    value = text(name)
    if len(value) < SHORTEST or value.startswith("django-insecure"):
        raise ImproperlyConfigured(f"{name} must be a secret of at least {SHORTEST} random characters.")
    return value


def flag(name: str, *, default: bool) -> bool:
    """Return a variable that must be "true" or "false"."""
    value = text(name, str(default)).lower()
    if value not in {"true", "false"}:
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")
    return value == "true"


def integer(name: str, default: int) -> int:
    """Return a variable that must be a whole number."""
    value = text(name, str(default))
    if not value.lstrip("-").isdigit():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def choice(name: str, default: str, among: tuple[str, ...]) -> str:
    """Return a variable that must be one of a few words."""
    value = text(name, default)
    if value not in among:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(among)}, not {value!r}.")
    return value


def items(name: str, default: str = "") -> list[str]:
    """Return a comma-separated variable as a list without blanks."""
    return [item.strip() for item in text(name, default).split(",") if item.strip()]


def destinations(name: str) -> list[str]:
    """Return a comma-separated variable of networks and addresses, each with a port or without ("[fd00::1]:9000")."""
    for entry in (found := items(name)):
        place = re.fullmatch(r"\[([0-9a-fA-F:.]+)\](?::\d{1,5})?|([0-9./]+)(?::\d{1,5})?|([0-9a-fA-F:./]+)", entry)
        try:
            ip_network(next(filter(None, place.groups())) if place else entry, strict=False)
        except ValueError:
            raise ImproperlyConfigured(f"{name}: {entry!r} is neither a network nor an address with a port.") from None
    return found
