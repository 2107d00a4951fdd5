"""Where scanners keep what they need on this host: `<data>/scanner/{bin,trivy,runs}`, readable for whom they run as."""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pks_portal import paths

NOBODY: Final = 65534
OPEN: Final = 0o711
LARGEST: Final = 512 * 1024**2
YOUNG: Final = 60.0
"""Seconds in which a new directory may not be locked yet."""


def home() -> Path:
    """Return the directory, made where it is missing; those who scan may pass, not list."""
    return _made(paths.data() / "scanner")


def trivy() -> Path:
    """Return the directory in which trivy's database lies."""
    return _made(home() / "trivy")


@contextmanager
def run() -> Iterator[Path]:
    """Yield a directory for one run, of the user that scans; it goes with the run, or with a later one."""
    with passing(_made(home() / "runs")) as made:
        if os.geteuid() == 0:
            os.chown(made, NOBODY, NOBODY)
        yield made


@contextmanager
def passing(where: Path, prefix: str = "") -> Iterator[Path]:
    """Yield a new directory that goes at the end, or the next time, should this process be killed.

    Who uses it holds it locked, so what a killed process left behind can be told from what is in use.
    """
    _sweep(where, prefix)
    made = Path(tempfile.mkdtemp(dir=where, prefix=prefix))
    held = os.open(made, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(held)


def _sweep(where: Path, prefix: str) -> None:
    """Take away what was left; one that begins at this very moment is young enough to stay."""
    for left in where.glob(f"{prefix}*"):
        with suppress(OSError):
            if time.time() - left.lstat().st_mtime > YOUNG and _free(left):
                shutil.rmtree(left, ignore_errors=True)


def _free(directory: Path) -> bool:
    descriptor = os.open(directory, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def put(file: Path, text: str) -> None:
    """Write a new file into a run's directory, following nothing that who scans there may have laid in the way."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as opened:
        os.fchmod(opened.fileno(), 0o644)
        opened.write(text)


def taken(file: Path) -> str:
    """Return what a run has written. Raises OSError, ValueError (a link, a pipe: what it could not read is not ours).

    The scanner may be led astray by an image, and root reads after it.
    """
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), encoding="utf-8") as opened:
        seen = os.fstat(opened.fileno())
        if not stat.S_ISREG(seen.st_mode) or seen.st_nlink != 1 or seen.st_size > LARGEST:
            raise ValueError("no file of its own")
        return opened.read()


def _made(directory: Path) -> Path:
    directory.mkdir(mode=OPEN, parents=True, exist_ok=True)
    return directory
