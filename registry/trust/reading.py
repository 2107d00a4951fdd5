"""Reading what strangers wrote: a member that is missing or of another type reads as empty."""

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Malformed(ValueError):
    """Bytes that are not what they say they are."""


def inner(value: object, *names: str) -> object:
    """Return what lies under the names, one inside the other, or None."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text(value: object, *names: str) -> str:
    """Return the text under the names, or ""."""
    found = inner(value, *names)
    return found if isinstance(found, str) else ""


def rows(value: object, *names: str) -> list[Mapping[str, Any]]:
    """Return the objects of the list under the names."""
    found = inner(value, *names)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def digest(value: object, *names: str) -> str:
    """Return the digest under the names ("sha256:<64 hex digits>", the only kind that is used here), or ""."""
    found = text(value, *names)
    return found if DIGEST.fullmatch(found) else ""


def parsed(content: bytes) -> object:
    """Return JSON in UTF-8. Raises Malformed, also where it is nested deeper than can be read."""
    try:
        return json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise Malformed from error


def decoded(encoded: str) -> bytes:
    """Return what is written in base64. Raises Malformed."""
    try:
        return b64decode(encoded, validate=True)
    except ValueError as error:
        raise Malformed from error
