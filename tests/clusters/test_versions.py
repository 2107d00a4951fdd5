"""What is said about Kubernetes releases, and that it is said with its date."""

from datetime import date

import pytest

from clusters.engines.local import binaries
from clusters.versions import Support, info

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("version", "day", "support"),
    [
        ("1.37.2", TODAY, Support.SUPPORTED),
        ("1.37.2", date(2027, 8, 28), Support.MAINTENANCE),
        ("1.37.2", date(2027, 10, 28), Support.MAINTENANCE),
        ("1.37.2", date(2027, 10, 29), Support.ENDED),
        ("1.34.4", TODAY, Support.ENDED),
        ("1.99.0", TODAY, Support.UNKNOWN),
    ],
)
def test_support_follows_the_dates(version: str, day: date, support: Support) -> None:
    assert info(version, day).support is support


@pytest.mark.parametrize(
    ("version", "behind", "newest"),
    [
        ("1.37.2", False, "1.37.2"),
        ("1.36.3", True, "1.36.6"),
        ("1.35.9", True, "1.35.10"),
        ("1.37.9", False, "1.37.2"),
        ("1.99.0", False, None),
    ],
)
def test_an_older_patch_is_called_older(version: str, behind: bool, newest: str | None) -> None:
    known = info(version, TODAY)
    assert (known.patch_behind, known.newest_known_patch) == (behind, newest)


def test_old_data_is_called_old() -> None:
    assert not info("1.37.2", date(2027, 3, 22)).data_stale
    assert info("1.37.2", date(2027, 3, 23)).data_stale


def test_every_sentence_has_the_date_of_what_is_known() -> None:
    for version in ("1.37.2", "1.36.3", "1.34.4", "1.99.0"):
        sentences = [str(said) for said in info(version, date(2028, 1, 1)).said]
        assert sentences[-1] == "These facts are from 2026-11-22 and may be out of date."
        assert all("2026-11-22" in sentence for sentence in sentences)


def test_every_offered_version_is_known() -> None:
    for version in binaries.offered():
        known = info(version, TODAY)
        assert known.support is not Support.UNKNOWN
        assert known.source.startswith("https://")
        assert known.released
        assert known.maintenance
        assert known.end_of_life
        assert known.released < known.maintenance < known.end_of_life


def test_something_else_is_no_version() -> None:
    with pytest.raises(ValueError, match=r"unpack|invalid"):
        info("latest", TODAY)
