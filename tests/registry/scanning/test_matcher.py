"""The matcher at the edges of what records may say: what fits, under which name, and what cannot be told."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.scanning import osv
from registry.severity import Severity
from tests.registry.scanning.records import affected, found, package, record

C3 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
C4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
BRANCHES = ("fixed 2.5", "introduced 2.0", "introduced 0", "fixed 1.4")
"""Written in no order, as records may be."""


def fixes(version: str, *said: str, **more: Any) -> str | None:
    """Return the version that a range names as fixed for another; None: it is not affected."""
    hits, unread = found(package(version), record("TEST-1", affected(*said, **more)))
    assert not unread
    return hits["TEST-1"].fixed_in if hits else None


@pytest.mark.parametrize(
    ("version", "said", "fixed"),
    [
        ("0.1", BRANCHES, "1.4"), ("1.3.9", BRANCHES, "1.4"), ("1.4", BRANCHES, None), ("1.9", BRANCHES, None),
        ("2.0", BRANCHES, "2.5"), ("2.0rc1", BRANCHES, None), ("2.5", BRANCHES, None), ("2.5rc1", BRANCHES, "2.5"),
        ("1.0", ("introduced 0",), ""), ("1.0", ("introduced 0", "last_affected 1.0"), ""),
        ("1.0.1", ("introduced 0", "last_affected 1.0"), None), ("1.0.0", ("introduced 1",), ""),
        ("3", ("introduced 0", "fixed 3", "introduced 3"), ""), ("3", ("introduced 3", "last_affected 3"), ""),
        ("9", ("introduced 0", "fixed 1", "introduced 2", "fixed 3"), None),
        ("1", ("introduced 0", "fixed 0"), None), ("1", ("fixed 0", "introduced 0"), None),
        ("1", ("introduced 0", "last_affected 0"), None), ("0", ("introduced 0", "last_affected 0"), ""),
        ("1", ("introduced 0", "fixed 0", "introduced 1", "fixed 2"), "2"),
    ],
)  # fmt: skip
def test_what_a_range_says(version: str, said: tuple[str, ...], fixed: str | None) -> None:
    assert fixes(version, *said) == fixed


@given(st.permutations(["introduced 0", "fixed 2", "introduced 4", "fixed 6"]), st.integers(0, 8))
@settings(deadline=None)
def test_the_order_of_events_says_nothing(said: list[str], version: int) -> None:
    expected = "2" if version < 2 else "6" if 4 <= version < 6 else None
    assert fixes(str(version), *said) == expected


@given(st.lists(st.integers(1, 40), min_size=2, max_size=8, unique=True), st.integers(0, 41))
@settings(deadline=None)
def test_a_version_is_affected_between_what_brought_it_in_and_what_fixed_it(bounds: list[int], version: int) -> None:
    ends = sorted(bounds)
    said = [f"{'fixed' if index % 2 else 'introduced'} 1.{end}" for index, end in enumerate(ends)]
    begun = [end for end in ends if end <= version]
    inside = len(begun) % 2 == 1
    nearest = next((f"1.{end}" for end in ends[len(begun) :]), "")
    assert fixes(f"1.{version}", *said) == (nearest if inside else None)


@pytest.mark.parametrize("version", ["1.0", "1.0.0", "v1.0"])
def test_listed_versions_count_however_they_are_written(version: str) -> None:
    assert fixes(version, versions=["0.9", "1.0"]) == ""
    assert fixes("1.1", versions=["0.9", "1.0"]) is None


def test_listed_versions_count_beside_ranges() -> None:
    assert fixes("1.0", "introduced 0", "fixed 0", versions=["1.0"]) == ""
    assert fixes("9.9", "introduced 0", "fixed 1.0", versions=["9.9"]) == ""
    assert fixes("0.1", "introduced 0.5", "fixed 1.0", versions=["0.1"]) == "1.0"


def test_commits_say_nothing_of_versions() -> None:
    assert fixes("1.0", "introduced 0", "fixed abc", kind="GIT", versions=["2.0"]) is None


@pytest.mark.parametrize(
    ("version", "part"),
    [
        ("what?", affected("introduced 0", "fixed 2")),
        ("", affected("introduced 0")),
        ("1.0", affected("introduced 0", "fixed soon?")),
        ("1.0", affected("fixed 2.0")),
        ("1.0", affected("introduced 0", kind="GIT")),
        ("1.0", affected()),
    ],
)
def test_what_cannot_be_told_is_neither_found_nor_clean(version: str, part: dict[str, Any]) -> None:
    hits, unread = found(package(version), record("TEST-1", part))
    assert not hits
    assert unread == {f"PyPI/thing {version}"}


def test_what_can_be_told_is_told_beside_what_cannot() -> None:
    broken = {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "soon?"}]}
    one = affected("introduced 0", "fixed 2.0")
    one["ranges"].insert(0, broken)
    hits, unread = found(package("1.0"), record("TEST-1", one), record("TEST-2", affected("fixed 2")))
    assert hits["TEST-1"].fixed_in == "2.0"
    assert unread == {"PyPI/thing 1.0"}


def test_a_listed_version_is_found_even_where_it_cannot_be_compared() -> None:
    hits, unread = found(package("what?"), record("TEST-1", affected("introduced 5", versions=["what?"])))
    assert set(hits) == {"TEST-1"}
    assert not unread


def test_what_was_withdrawn_says_nothing() -> None:
    gone = record("TEST-1", affected("introduced 0"), withdrawn="2026-01-02T00:00:00Z")
    assert found(package("1.0"), gone) == ({}, set())


def test_records_that_share_a_name_even_through_a_third_are_one() -> None:
    part = affected("introduced 0")
    fixed = affected("introduced 0", "fixed 2.0")
    chain = [
        record("TEST-GHSA", part, aliases=["TEST-PYSEC"], severity=[{"type": "CVSS_V3", "score": C3}]),
        record("TEST-OTHER", fixed, aliases=["CVE-0000-1"]),
        record("TEST-PYSEC", part, aliases=["TEST-OTHER"]),
    ]
    for order in (chain, chain[::-1], [chain[1], chain[0], chain[2]]):
        hits, _unread = found(package("1.0"), *order)
        assert set(hits) == {"CVE-0000-1"}
        one = hits["CVE-0000-1"]
        assert (one.severity, one.score, one.fixed_in, one.status) == (Severity.CRITICAL, 9.8, "2.0", "fixed")


def test_records_without_a_common_name_are_two() -> None:
    part = affected("introduced 0")
    hits, _unread = found(package("1.0"), record("TEST-1", part), record("TEST-2", part, aliases=["TEST-3"]))
    assert set(hits) == {"TEST-1", "TEST-2"}


def test_an_advisory_that_fixes_many_keeps_its_own_name() -> None:
    part = affected("introduced 0", ecosystem="Debian:12")
    many = record("TEST-DSA", part, upstream=["CVE-0000-1", "CVE-0000-2"])
    one = record("TEST-DEBIAN", part, upstream=["CVE-0000-1"])
    hits, _unread = found(package("1.0-1", ecosystem="Debian:12"), many, one)
    assert set(hits) == {"TEST-DSA", "CVE-0000-1"}


@pytest.mark.parametrize(
    ("ecosystem", "theirs", "ours"),
    [
        ("PyPI", "Zope.Interface", "zope-interface"), ("PyPI", "a_b", "A.b"),
        ("Go", "github.com/Masterminds/semver", "github.com/masterminds/semver"),
        ("NuGet", "Newtonsoft.Json", "newtonsoft.json"), ("Packagist", "Foo/Bar", "foo/bar"),
    ],
)  # fmt: skip
def test_names_are_compared_as_their_ecosystem_does(ecosystem: str, theirs: str, ours: str) -> None:
    said = record("TEST-1", affected("introduced 0", package=theirs, ecosystem=ecosystem))
    assert set(found(package("1.0.0", name=ours, ecosystem=ecosystem), said)[0]) == {"TEST-1"}


def test_npm_tells_names_apart_by_case() -> None:
    said = record("TEST-1", affected("introduced 0", package="JSONStream", ecosystem="npm"))
    assert found(package("1.0.0", name="jsonstream", ecosystem="npm"), said) == ({}, set())


def test_distributions_speak_of_what_a_package_was_built_from() -> None:
    said = record("TEST-1", affected("introduced 0", "fixed 1:2.0-1", package="glibc", ecosystem="Debian:12"))
    libc = {"name": "libc6", "ecosystem": "Debian:12", "source": "glibc"}
    hits, _unread = found(package("9.0-1", **libc, source_version="1:1.9-1"), said)
    assert {name: (one.package, one.fixed_in) for name, one in hits.items()} == {"TEST-1": ("libc6", "1:2.0-1")}
    assert not found(package("0.1-1", **libc, source_version="1:2.0-1"), said)[0]
    assert not found(package("1.0-1", **{**libc, "ecosystem": "Debian:11"}), said)[0]


@pytest.mark.parametrize("name", ["openssl", "openssl-libs"])
def test_those_of_rpm_speak_of_either(name: str) -> None:
    said = record("TEST-1", affected("introduced 0", "fixed 1:3.0.7-25.el9", package=name, ecosystem="AlmaLinux:9"))
    libs = package("1:3.0.7-2.el9", name="openssl-libs", ecosystem="AlmaLinux:9", source="openssl")
    assert set(found(libs, said)[0]) == {"TEST-1"}


@pytest.mark.parametrize(
    ("more", "severity", "score"),
    [
        ({"severity": [{"type": "CVSS_V3", "score": C3}]}, Severity.CRITICAL, 9.8),
        ({"severity": [{"type": "CVSS_V4", "score": C4}]}, Severity.CRITICAL, 9.3),
        ({"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/nonsense"}]}, Severity.UNKNOWN, None),
        ({"database_specific": {"severity": "MODERATE"}}, Severity.MEDIUM, None),
        (
            {"severity": [{"type": "CVSS_V3", "score": "?"}], "database_specific": {"severity": "LOW"}},
            Severity.LOW,
            None,
        ),
        ({}, Severity.UNKNOWN, None),
    ],
)
def test_how_bad_it_is(more: dict[str, Any], severity: Severity, score: float | None) -> None:
    hits, _unread = found(package("1.0"), record("TEST-1", affected("introduced 0"), **more))
    assert (hits["TEST-1"].severity, hits["TEST-1"].score) == (severity, score)


@pytest.mark.parametrize(
    "said",
    [
        {}, {"id": ""}, {"id": 5}, [], {"id": "TEST-1", "affected": {}}, {"id": "TEST-1", "affected": [None]},
        {"id": "TEST-1", "affected": [{"ranges": [{"events": [{"fixed": 2}]}]}]}, {"id": "TEST-1", "aliases": "CVE"},
        {"id": "TEST-1", "severity": ["HIGH"]}, {"id": "TEST-1", "affected": [{"package": "thing"}]},
        {"id": "TEST-1", "database_specific": {"cwe_ids": [1]}},
    ],
)  # fmt: skip
def test_what_is_no_record(said: Any) -> None:
    assert not osv.well_formed(said)
