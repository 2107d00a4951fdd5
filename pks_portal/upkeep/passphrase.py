"""The passphrase of a backup: from a file, the environment, or a person."""

import getpass
import sys
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from pks_portal import env

FEWEST_CHARACTERS: Final = 12  # the backup holds every key that there is


def passphrase(file: Path | None, *, new: bool = False) -> str:
    """Return the passphrase; `new`: one for a backup to be made, which must be long enough. Raises CommandError."""
    try:
        phrase = file.read_text().strip() if file else env.text("PKS_BACKUP_PASSPHRASE", "") or _asked(new=new)
    except (OSError, ImproperlyConfigured) as error:
        raise CommandError(f"The passphrase cannot be read: {error}") from error
    if new and len(phrase) < FEWEST_CHARACTERS:
        raise CommandError(f"The passphrase needs at least {FEWEST_CHARACTERS} characters: the file holds every key.")
    return phrase


def _asked(*, new: bool) -> str:
    if not sys.stdin.isatty():
        raise CommandError("Give the passphrase by --passphrase-file or PKS_BACKUP_PASSPHRASE_FILE.")
    phrase = getpass.getpass("Passphrase: ")
    if new and getpass.getpass("Once more: ") != phrase:
        raise CommandError("The two differ.")
    return phrase
