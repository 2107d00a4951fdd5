"""Writing a file whole or not at all: readers see either the old one or the new one."""

import os
import threading
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
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
