"""Databases as strangers hand them in: taken in whole or refused, never in part, never young for ever."""

import io
import json
import random
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from pks_portal.errors import Invalid
from registry.models import Advisory
from registry.scanning import databases, feeds, place, sbom
from registry.scanning.matcher import Matcher
from registry.scanning.port import Database
from registry.scanning.trivy import Trivy
from tests.registry.scanning.records import affected, record
from tests.registry.scanning.test_scanners import document, feed, silent
from tests.registry.scanning.trivydb import archive


def zipped(*records: Any) -> io.BytesIO:
    """Return records as osv.dev publishes them."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened:
        for number, one in enumerate(records):
            opened.writestr(f"{number}.json", json.dumps(one))
    made.seek(0)
    return made


GOOD = record("TEST-1", affected("introduced 0", package="thing"))


@pytest.mark.parametrize("name", ["trivy", "osv"])
@pytest.mark.django_db
def test_a_version_that_trivy_passes_over_is_not_clean(name: str, request: pytest.FixtureRequest) -> None:
    if name == "trivy":
        request.getfixturevalue("trivy_database")
    else:
        feeds.take_in(feed(), "Tests", "tests")
    scanner: Any = Trivy() if name == "trivy" else Matcher()
    text = document("pkg:pypi/requests@unreadable", "pkg:pypi/unheard-of@unreadable", "pkg:pypi/requests@2.31.0")
    said = scanner.judge(text, sbom.packages(text), silent)
    assert not said.found
    assert said.not_assessed == ("PyPI/requests unreadable",)


@pytest.mark.parametrize(
    "bad",
    [
        {"id": "TEST-2", "modified": "2026-01-01T00:00:00Z", "affected": ["thing"]},
        {"id": "TEST-2", "modified": "2026-01-01T00:00:00Z", "affected": [{"ranges": [{"events": [{"fixed": 2}]}]}]},
        {"id": "TEST-2", "modified": "2026-01-01T00:00:00Z", "details": "\x00"},
        ["TEST-2"],
        None,
    ],
)
@pytest.mark.django_db
def test_a_feed_with_a_record_that_is_none_is_refused_whole(bad: Any) -> None:
    feeds.take_in(zipped(GOOD), "Tests", "tests")
    with pytest.raises(Invalid) as refused:
        feeds.take_in(zipped(GOOD, GOOD | {"id": "TEST-3"}, bad), "Tests", "tests")
    assert refused.value.key == "error.database_wrong"
    assert list(Advisory.objects.values_list("record", flat=True)) == ["TEST-1"]


@pytest.mark.django_db
def test_a_record_that_is_too_large_is_not_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "LARGEST_RECORD", 1000)
    feeds.take_in(zipped(GOOD), "Tests", "tests")
    with pytest.raises(Invalid):
        feeds.take_in(zipped(GOOD, GOOD | {"id": "TEST-2", "details": "x" * 1000}), "Tests", "tests")


@pytest.mark.django_db
def test_more_records_than_are_kept_are_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MOST", 1)
    feeds.take_in(zipped(GOOD), "Tests", "tests")
    with pytest.raises(Invalid):
        feeds.take_in(zipped(GOOD, GOOD | {"id": "TEST-2"}), "Tests", "tests")


@pytest.mark.django_db
def test_a_feed_of_the_future_grows_old_from_now() -> None:
    feeds.take_in(zipped(GOOD | {"modified": "2999-01-01T00:00:00Z"}), "Tests", "tests")
    assert Matcher().database(timezone.now()).state == "ok"
    assert Matcher().database(timezone.now() + timedelta(days=8)).state == "old"


@pytest.mark.parametrize("days", [6, 8])
@pytest.mark.django_db
def test_a_feed_is_as_old_as_its_newest_record(days: int) -> None:
    feeds.take_in(zipped(GOOD | {"modified": (timezone.now() - timedelta(days=days)).isoformat()}), "Tests", "tests")
    assert Matcher().database(timezone.now()).state == ("ok" if days < 7 else "old")


def test_a_database_of_the_future_is_refused(made: Callable[[datetime], Path]) -> None:
    with pytest.raises(Invalid) as refused:
        databases.take_in(archive(made(timezone.now() + timedelta(days=30))))
    assert "future" in str(refused.value.facts)
    assert databases.trivy(timezone.now()).state == "absent"


def test_no_damage_goes_unnoticed_as_an_exception(trivy_database: Database) -> None:
    file = place.trivy() / "db" / "trivy.db"
    sound = file.read_bytes()
    seeded = random.Random(5)  # noqa: S311 - where to damage a file is no secret
    states = set()
    for _ in range(300):
        broken = bytearray(sound)
        for _each in range(seeded.randint(1, 40)):
            broken[seeded.randrange(len(broken))] = seeded.randrange(256)
        file.write_bytes(broken[: seeded.choice([len(broken), seeded.randrange(len(broken))])])
        databases._contents.cache_clear()
        states.add(databases.trivy(timezone.now()).state)
    assert states == {"ok", "broken"}
