"""What an image's own configuration says (OCI image spec 1.1, "Image Configuration"), as far as it is kept."""

import json
from datetime import datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from pks_portal.text import impossible
from registry.manifests import Manifest

LARGEST_CONFIG: Final = 4 * 1024 * 1024
KEPT: Final = ("Cmd", "Entrypoint", "Env", "ExposedPorts", "Labels", "User", "Volumes", "WorkingDir", "StopSignal")
MOST_HISTORY: Final = 500


def tells(manifest: Manifest) -> bool:
    """Say whether a manifest has a configuration that is an image's own, and can be read."""
    return manifest.is_image and manifest.config is not None and manifest.config.size <= LARGEST_CONFIG


def read_facts(raw: bytes) -> dict[str, Any]:
    """Return the fields of an Artifact that a configuration tells as it is kept; none of what cannot be read."""
    try:
        return facts(json.loads(raw))
    except (ValueError, RecursionError):
        return {}


def facts(config: Any) -> dict[str, Any]:
    """Return the fields of an Artifact that a configuration tells; none of what is not as it should be."""
    if not isinstance(config, dict) or impossible(config):
        return {}
    own = config.get("config")
    history = config.get("history")
    return {
        "os": _text(config.get("os"), 40),
        "architecture": _text(config.get("architecture"), 40),
        "variant": _text(config.get("variant"), 40),
        "author": _text(config.get("author"), 200),
        "made_at": _moment(config.get("created")),
        "config": {
            "config": {name: own[name] for name in KEPT if own.get(name)} if isinstance(own, dict) else {},
            "history": [_step(one) for one in history[:MOST_HISTORY]] if isinstance(history, list) else [],
        },
    }


def _step(said: Any) -> dict[str, Any]:
    if not isinstance(said, dict):
        return {}
    step = {name: _text(said.get(name), 4000) for name in ("created", "created_by", "comment") if said.get(name)}
    return {**step, "empty_layer": bool(said.get("empty_layer"))}


def _text(said: Any, most: int) -> str:
    return said[:most] if isinstance(said, str) else ""


def _moment(said: Any) -> datetime | None:
    """Return when it was built; a build that wants to be the same each time says year 1 or 1970, which is no time."""
    try:
        found = parse_datetime(said) if isinstance(said, str) else None
    except ValueError:
        return None
    if found is None or found.year <= 1970:  # noqa: PLR2004
        return None
    return found if timezone.is_aware(found) else timezone.make_aware(found)
