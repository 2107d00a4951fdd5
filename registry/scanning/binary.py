"""The trivy program: the operator's own (PKS_TRIVY), or the one that bootstrap fetched, by checksum.

trivy v0.69.4 to v0.69.6 were malicious (CVE-2026-33634), so a program is run by its checksum, never by its name: what
is not what it should be is not run. It is run from a copy that only root can change and everybody can execute.
"""

import hashlib
import os
import shutil
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings

from pks_portal import paths
from pks_portal.errors import PortalError
from registry.scanning import place

PINNED: Final = {"1f889576636db0623539cb339df7d06c40ebf39e7919489eafa1160e29808f19": "0.76.0"}
"""SHA-256 of programs that are known to be good, with their version."""
PIECE: Final = 1024 * 1024


class Unusable(PortalError):
    """A scanner cannot judge here and now, and says why."""


def path() -> Path:
    """Return the program to run. Raises Unusable."""
    wanted = Path(settings.TRIVY or paths.cache() / "trivy" / "trivy")
    try:
        seen = wanted.stat()
    except OSError:
        raise Unusable("error.scanner_missing", system="trivy") from None
    if not (kept := _kept(wanted, seen.st_size, seen.st_mtime_ns)).exists():  # somebody cleared the data directory
        _kept.cache_clear()
        kept = _kept(wanted, seen.st_size, seen.st_mtime_ns)
    return kept


def version() -> str:
    """Return the version of the program; empty where the operator pinned one of their own."""
    return PINNED.get(settings.TRIVY_SHA256 or next(iter(PINNED)), "")


@lru_cache(maxsize=4)
def _kept(wanted: Path, size: int, _changed: int) -> Path:
    """Return the copy of a program whose checksum is right. Raises Unusable."""
    digest = _known(wanted)
    copy = place.home() / "bin" / f"trivy-{digest[:16]}"
    if not copy.exists() or copy.stat().st_size != size:
        copy.parent.mkdir(mode=place.OPEN, exist_ok=True)
        making = copy.with_name(f".{copy.name}.{os.getpid()}")
        try:
            shutil.copyfile(wanted, making)
            _known(making)  # again: it is the copy that will be run
            making.chmod(0o755)
            making.replace(copy)
        finally:
            making.unlink(missing_ok=True)
    return copy


def _known(file: Path) -> str:
    """Return the checksum of a program that is known to be good. Raises Unusable."""
    digest = _digest(file)
    if digest not in ({settings.TRIVY_SHA256} if settings.TRIVY_SHA256 else PINNED):
        raise Unusable("error.scanner_strange", system="trivy")
    return digest


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
