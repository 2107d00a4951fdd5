"""What strangers may send: JSON of any shape, in which the names that are looked for occur often."""

from typing import Any

from hypothesis import strategies as st

Strategy = st.SearchStrategy[Any]


def names(text: str) -> Strategy:
    """Return a strategy of the words of a text."""
    return st.sampled_from(text.split())


def json(known: Strategy) -> Strategy:
    """Return a strategy of JSON values whose members have the known names or any others."""
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    return st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(known | st.text(), inner), max_leaves=20)
