"""Writing a file whole or not at all: readers see either the old one or the new one."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE = 0o600


def write(
    path: Path, data: bytes | str, *, mode: int = PRIVATE, owner: int | None = None, durable: bool = False
) -> None:
    """Replace a file by rename, with its mode and owner from the beginning; `durable`: also after a power loss.

    Without `owner` a new file is the caller's, and one that root replaces stays whose it was.
    Raises OSError; FileNotFoundError where its directory is not there.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            if owner is not None:
                os.fchown(file.fileno(), owner, owner)
            elif os.geteuid() == 0 and path.exists():
                os.fchown(file.fileno(), path.stat().st_uid, path.stat().st_gid)
            file.write(data.encode() if isinstance(data, str) else data)
        if durable:
            settle(temporary, path)
        else:
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a directory against every other process and thread that takes this lock; leaves no file. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def settle(whole: Path, path: Path) -> None:
    """Put a finished file in the place of another on the same disk, so that it is there after a power loss too."""
    _sync(whole)
    whole.replace(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
