"""The world in which rights are looked at."""

from pathlib import Path
from typing import Any

import pytest

from tests.permissions.people import world_of


@pytest.fixture
def world(operator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return one of each thing, in one tenant; no Kubernetes is built here."""
    monkeypatch.setenv("PKS_CACHE_DIR", str(tmp_path / "cache"))
    return world_of(operator)
