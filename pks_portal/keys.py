"""The private keys that the portal itself holds: clusters' authorities and its own administrator's certificates.

Every one goes through here and lies sealed under the key ring, bound to its name and the two directories above it
("<cluster id>/secrets/ca.key"), so that a whole data directory may move but no key can stand in for another.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pks_portal import files, keyring

DIRECTORIES = 2
"""How many directories above a key file are part of what it is bound to."""


def keep(path: Path, secret: bytes) -> None:
    """Write a key whole or not at all, sealed, readable by the portal's user only. Its directory must exist."""
    with files.locked(path.parent):
        _write(path, secret)


def read(path: Path) -> bytes:
    """Return a key. One that an older release left in plain is returned as it is: `renew` seals it.

    Raises FileNotFoundError, KeyRingError.
    """
    kept = path.read_bytes()
    return keyring.ring().open(kept.decode(), place(path)) if _sealed(kept) else kept


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """Yield a file in memory with the key in plain, for libraries that only read files; good inside the block only."""
    descriptor = os.memfd_create(path.name, os.MFD_CLOEXEC)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(read(path))
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def renew(path: Path) -> bool:
    """Seal a key file anew where it lies in plain or under an older key; say whether that was so.

    Under the lock of whoever writes a key, so that a newer key is never replaced by the one that was read before it.
    """
    with files.locked(path.parent):
        kept = path.read_bytes()
        if _sealed(kept) and not keyring.ring().stale(kept.decode()):
            return False
        _write(path, read(path))
        return True


def kept(data: Path) -> list[Path]:
    """Return the key files that lie in a data directory."""
    patterns = ("clusters/*/secrets/*.key", "restored/clusters/*/secrets/*.key", "keys/sealed/*.key")
    return sorted(path for pattern in patterns for path in data.glob(pattern))


def place(path: Path) -> str:
    """Return what a key file is bound to."""
    return "file:" + "/".join(path.absolute().parts[-1 - DIRECTORIES :])


def _write(path: Path, secret: bytes) -> None:
    """Write a key so that it stays: once this returns, an older key of the ring may be dropped."""
    files.write(path, keyring.ring().seal(secret, place(path)), durable=True)


def _sealed(data: bytes) -> bool:
    return data.startswith(f"{keyring.SCHEME}.".encode())
