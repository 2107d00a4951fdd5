"""Versions: in the order that their own tools have, and never guessed where they cannot be read."""

import itertools
import subprocess

import pytest
import semver
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.scanning.versions import KINDS, PATTERNS, Incomparable, comparable
from tests.registry.scanning.orders import ASCENDING, ASCENDING_ALSO, EQUAL

FAMILIES = sorted(KINDS)
NONSENSE = ["", " ", "latest", "what?", "(devel)", "${project.version}", "-", "*", "v", "git+https://x", "a b1", "1\n"]
upstream = st.from_regex(r"[0-9][0-9a-c.~+]{0,6}", fullmatch=True)
debian = st.builds(
    "{}{}{}".format, st.sampled_from(["", "0:", "1:"]), upstream,
    st.sampled_from(["", "-1", "-1~bpo1", "-1+deb12u1", "-0ubuntu1", "-10"]),
)  # fmt: skip
number = st.integers(0, 12)
tail = st.lists(st.sampled_from(["alpha", "beta", "rc", "rc1", "0", "1", "2", "10", "x-y"]), max_size=3)
semantic = st.builds(
    lambda a, b, c, rest: f"{a}.{b}.{c}" + (f"-{'.'.join(rest)}" if rest else ""), number, number, number, tail
)


@pytest.mark.parametrize("text", NONSENSE)
@pytest.mark.parametrize("family", FAMILIES)
def test_nonsense_is_no_version_of_anything(family: str, text: str) -> None:
    with pytest.raises(Incomparable):
        comparable(family, text)


@pytest.mark.parametrize("text", ["1.x", "1.2.3.4", "1.0-", "2024a"])
@pytest.mark.parametrize("family", sorted(PATTERNS))
def test_what_semantic_versioning_does_not_know_is_not_made_fit(family: str, text: str) -> None:
    with pytest.raises(Incomparable):
        comparable(family, text)


def test_an_ecosystem_without_an_order_has_no_versions() -> None:
    with pytest.raises(Incomparable):
        comparable("ConanCenter", "1.0.0")


@pytest.mark.parametrize("ecosystem", [*ASCENDING, *ASCENDING_ALSO])
def test_versions_are_in_the_order_of_their_own_tool(ecosystem: str) -> None:
    texts = ASCENDING[ASCENDING_ALSO.get(ecosystem, ecosystem)]
    pairs = list(itertools.combinations([(text, comparable(ecosystem, text)) for text in texts], 2))
    assert [(low[0], high[0]) for low, high in pairs if not low[1] < high[1] or high[1] < low[1]] == []


@pytest.mark.parametrize("ecosystem", EQUAL)
def test_versions_that_their_own_tool_takes_for_equal_are(ecosystem: str) -> None:
    for texts in EQUAL[ecosystem]:
        pairs = itertools.permutations([(text, comparable(ecosystem, text)) for text in texts], 2)
        assert [(low[0], high[0]) for low, high in pairs if low[1] < high[1]] == []


def test_every_family_has_its_order_told() -> None:
    assert {name.partition(":")[0] for name in (*ASCENDING, *ASCENDING_ALSO)} == set(FAMILIES)


@given(debian, debian)
@settings(max_examples=150, deadline=None)
def test_debian_is_sorted_as_dpkg_does(one: str, other: str) -> None:
    done = subprocess.run(["dpkg", "--compare-versions", one, "lt", other], capture_output=True, check=False)
    assert (comparable("Debian:12", one) < comparable("Debian:12", other)) is (done.returncode == 0)


@pytest.mark.parametrize("family", ["npm", "Go", "crates.io"])
@given(one=semantic, other=semantic)
@settings(max_examples=200, deadline=None)
def test_semantic_versions_are_sorted_as_the_standard_says(family: str, one: str, other: str) -> None:
    expected = semver.Version.parse(one) < semver.Version.parse(other)
    assert (comparable(family, one) < comparable(family, other)) is expected


@pytest.mark.parametrize("family", FAMILIES)
@given(one=st.text("0123456789.-+~^:_abrcpv", max_size=10), other=st.text("0123456789.-+~^:_abrcpv", max_size=10))
@settings(max_examples=150, deadline=None)
def test_what_can_be_read_can_be_sorted(family: str, one: str, other: str) -> None:
    try:
        first, second = comparable(family, one), comparable(family, other)
    except Incomparable:
        return
    assert [first < second, second < first].count(True) < 2
    assert first != second or not (first < second or second < first)


@pytest.mark.parametrize(
    ("family", "older", "newer"),
    [
        ("Alpine:v3.20", "1.2.3-r9", "1.2.3-r10"), ("Alpine:v3.20", "1.1.1k-r0", "1.1.1l-r0"),
        ("Alpine:v3.20", "1.2.3_rc1-r0", "1.2.3-r0"), ("Alpine:v3.20", "9.7-r0", "9.7_p1-r0"),
        ("Rocky Linux:9", "3.0.7-25.el9", "1:3.0.7-16.el9"), ("AlmaLinux:9", "1.0~rc1-1", "1.0-1"),
        ("Red Hat:9", "3.0.7-16.el9", "3.0.7-16.el9_2"), ("Maven", "1.0-SNAPSHOT", "1.0"),
        ("Maven", "2.9.10.7", "2.9.10.8"), ("Maven", "1.0-alpha-1", "1.0-beta-1"), ("NuGet", "1.0.0.1", "1.0.0.2"),
        ("NuGet", "1.0.0-beta", "1.0.0"), ("RubyGems", "1.0.0.rc1", "1.0.0"), ("PyPI", "2.0", "1!1.0"),
        ("PyPI", "1.0.dev1", "1.0a1"), ("Go", "v2.0.0+incompatible", "v2.0.1+incompatible"),
        ("Go", "v0.0.0-20210101000000-abcdef123456", "0.0.0-20210102000000-abcdef123456"),
        ("Packagist", "v1.9.0", "1.10.0"),
    ],
)  # fmt: skip
def test_the_order_of_the_others(family: str, older: str, newer: str) -> None:
    assert comparable(family, older) < comparable(family, newer)
    assert not comparable(family, newer) < comparable(family, older)
