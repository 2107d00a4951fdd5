"""The command line's own words in the person's language; all else that it shows comes translated from the portal."""

import os
import re
from functools import cache
from typing import Any


@cache
def language() -> str:
    """Return "en" or "zh-hans", by the first of LC_ALL, LC_MESSAGES and LANG that is set."""
    named = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return "zh-hans" if named.lower().startswith("zh") else "en"


def say(english: str, **args: Any) -> str:
    """Return the text in the person's language, with its arguments filled in."""
    if language() == "en":
        return english.format(**args) if args else english
    from pks_portal.cli.chinese import TEXTS  # noqa: PLC0415  (English needs it not)

    text = TEXTS.get(english, english)
    return text.format(**args) if args else text


def of_typer(text: str) -> str:
    """Return a text that Typer has made in English (help, usage, what is wrong with it) in the person's language."""
    if language() == "en":
        return text
    from pks_portal.cli.chinese import TYPER  # noqa: PLC0415

    for pattern, chinese in TYPER:
        text = re.sub(pattern.replace(" ", r"\s+"), chinese, text, flags=re.MULTILINE)  # help is wrapped anywhere
    return text
