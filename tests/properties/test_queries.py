"""However many rows there are, a page or list takes the same number of queries; found by the tables of rights."""

from pathlib import Path
from typing import Any

import pytest

from tests.permissions.people import person, world_of
from tests.properties import queries

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("who", ["platform-admin", "admin"])
def test_queries_do_not_grow_with_rows(
    operator: Any, who: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PKS_CACHE_DIR", str(tmp_path / "cache"))
    world = world_of(operator)
    user = person(who, world["row"])
    assert user is not None
    found = queries.counted(world, user)
    assert len(found) > len(queries.looks()) / 2
    grown = {call: numbers for call, numbers in found.items() if numbers[0] != numbers[1]}
    assert grown == {}
