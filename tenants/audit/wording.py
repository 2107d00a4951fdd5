"""The trail in words, in the reader's language."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext

from pks_portal import messages
from tenants.models import AuditEntry

TASK: Final = "operations.operation"


class _Facts(dict[str, Any]):
    """Facts to be put into a text; one that an older entry does not have is left open."""

    def __missing__(self, name: str) -> str:
        return "…"


def deed(action: str, facts: Mapping[str, Any] | None = None) -> str:
    """Return the words of a deed; one without words is shown as it is."""
    if (template := messages.CATALOGUE.get(f"deed.{action}")) is None:
        return action
    return gettext(template) % _Facts({name: shown(value) for name, value in (facts or {}).items()})


def facts(entry: AuditEntry) -> list[tuple[str, str]]:
    """Return the entry's facts as pairs of a name in words and a value."""
    return [(_name(name), shown(value)) for name, value in entry.facts.items() if value not in (None, "", [])]


def shown(value: Any) -> str:
    """Return a fact's value as it is read."""
    if isinstance(value, list):
        return ", ".join(str(messages.shown(part)) for part in value)
    return str(messages.shown(value))


def task(entry: AuditEntry) -> str:
    """Return the id of the task that the entry belongs to, empty where there is none."""
    if entry.subject_type == TASK:
        return entry.subject_id
    if entry.request_id.startswith("op:"):
        return entry.request_id.removeprefix("op:")
    return str(entry.facts.get("task", ""))


def _name(name: str) -> str:
    key = f"fact.{name}"
    return messages.render(key, {}) if key in messages.CATALOGUE else name
