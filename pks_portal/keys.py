"""The private keys that the portal itself holds: clusters' authorities and its own administrator's certificates.

Every one goes through here, so that one place decides how they lie at rest: now as files that only the portal's user
may read; sealing them under a key of the operator's is a change of this module alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pks_portal import files


def keep(path: Path, secret: bytes) -> None:
    """Write a key whole or not at all, readable by the portal's user only. Its directory must exist."""
    files.write(path, secret)


def read(path: Path) -> bytes:
    """Return a key. Raises FileNotFoundError."""
    return path.read_bytes()


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """Yield a file with the key in plain, for libraries that only read files; it is good inside the block only."""
    yield path
