"""The environment of a restore: the files that settings name are in the backup, not here yet."""

import os
import secrets
from pathlib import Path

from pks_portal import paths


def without_lost_files() -> None:
    """Let settings whose file is not there count as not given, with a secret key for the moment."""
    paths.load_environment()
    for name, path in os.environ.items():
        if name.endswith("_FILE") and path and not Path(path).exists():
            os.environ[name] = ""
    os.environ["SECRET_KEY_FILE"] = ""
    os.environ["SECRET_KEY"] = secrets.token_urlsafe(50)
