"""Where scanners keep what they need on this host: `<data>/scanner/{bin,trivy,runs}`, readable for whom they run as."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pks_portal import paths

NOBODY: Final = 65534
OPEN: Final = 0o711


def home() -> Path:
    """Return the directory, made where it is missing; those who scan may pass, not list."""
    return _made(paths.data() / "scanner")


def trivy() -> Path:
    """Return the directory in which trivy's database lies."""
    return _made(home() / "trivy")


@contextmanager
def run() -> Iterator[Path]:
    """Yield a directory for one run, of the user that scans; it goes with the run."""
    made = Path(tempfile.mkdtemp(dir=_made(home() / "runs")))
    try:
        if os.geteuid() == 0:
            os.chown(made, NOBODY, NOBODY)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _made(directory: Path) -> Path:
    directory.mkdir(mode=OPEN, parents=True, exist_ok=True)
    return directory
