"""Checksums of big files: computed by who uses the files, and only looked up by who must answer at once.

What was computed is kept in `<cache>/bin/.sums/`, a file for each program, and counts while inode, size and time of
change are the same. Who runs a program does not trust that: each process computes once for itself.
"""

import hashlib
import json
import threading
from contextlib import suppress
from pathlib import Path

from pks_portal import files

_sums: dict[tuple[str, int, int, int], str] = {}
_kept: set[tuple[Path, tuple[str, int, int, int]]] = set()
_computing = threading.Lock()


class Unknown(Exception):
    """Nobody has computed the checksum of the file as it is now."""


def computed(file: Path, cache: Path | None = None) -> str:
    """Return the SHA-256 of a file in hex, computed once in a process; with `cache` it is kept for `looked_up`."""
    with _computing:
        key = _key(file)
        if key not in _sums:
            with file.open("rb") as content:
                _sums[key] = hashlib.file_digest(content, "sha256").hexdigest()
        if cache is not None:
            _keep(_record(file, cache), key)
        return _sums[key]


def _keep(record: Path, key: tuple[str, int, int, int]) -> None:
    if (record, key) in _kept and record.exists():
        return
    with suppress(OSError):  # a cache that may not be written only costs the answer "not checked yet"
        record.parent.mkdir(parents=True, exist_ok=True)
        files.write(record, json.dumps([*key, _sums[key]]), mode=0o644)
        _kept.add((record, key))


def looked_up(file: Path, cache: Path) -> str:
    """Return the SHA-256 that was computed of the file as it is now, at the cost of a stat. Raises Unknown."""
    try:
        *key, found = json.loads(_record(file, cache).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise Unknown(str(file)) from None
    if key != [*_key(file)]:
        raise Unknown(str(file))
    return str(found)


def _key(file: Path) -> tuple[str, int, int, int]:
    now = file.stat()
    return str(file), now.st_ino, now.st_size, now.st_mtime_ns


def _record(file: Path, cache: Path) -> Path:
    return cache / "bin" / ".sums" / f"{hashlib.sha256(str(file).encode()).hexdigest()[:32]}.json"
