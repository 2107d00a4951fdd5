"""Texts from outside as a database can keep them."""

from pks_portal.text import IMPOSSIBLE


def sound(text: str) -> str:
    """Return a text with signs of replacement for what no database keeps."""
    return IMPOSSIBLE.sub("\ufffd", text)
