"""Texts on the terminal, in the language of LC_ALL, LC_MESSAGES or LANG, from the same catalogue as the pages."""

import gettext
import os
from functools import cache

from pks_portal.paths import CHECKOUT


@cache
def _catalogue() -> gettext.NullTranslations:
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    chosen = next((name for name in names if name), "")
    languages = ["zh_Hans"] if chosen.startswith("zh") else ["en"]
    return gettext.translation("django", CHECKOUT / "locale", languages, fallback=True)


def _(text: str, /, **arguments: object) -> str:
    """Return the text in the reader's language with its %(name)s arguments filled in."""
    shown = _catalogue().gettext(text)
    return shown % arguments if arguments else shown


class SetError(Exception):
    """What keeps the default set from starting, stopping or being cleaned, said to the person at the terminal."""
