"""Texts that are stored as keys: what fills them in is what is kept with the key."""

import re
from typing import Any

import pytest

from pks_portal.messages import CATALOGUE, render

NOT_KEPT = {"field", "system", "cause", "link"}
"""What PortalError has of its own, beside the facts that fill its text in."""


def test_no_error_needs_what_is_not_among_its_facts() -> None:
    named = {
        key: set(re.findall(r"%\((\w+)\)", text)) & NOT_KEPT
        for key, text in CATALOGUE.items()
        if key.startswith("error.")
    }
    assert {key: names for key, names in named.items() if names} == {}


def test_a_text_of_an_older_release_is_shown_with_what_it_has(settings: Any) -> None:
    with pytest.raises(KeyError):
        render("error.database_broken", {"name": "trivy-db"})
    settings.PKS_STRICT = False
    assert render("error.database_broken", {"name": "trivy-db"}).endswith("trivy-db cannot be read: ?")
