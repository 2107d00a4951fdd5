"""Where the registry keeps its bytes, where that is a directory of this host.

Layout of distribution's filesystem driver, below `<rootdirectory>/docker/registry/v2`: a blob is
`blobs/sha256/<2 figures>/<64 figures>/data`, and a repository has it where
`repositories/<name>/_layers/sha256/<64 figures>/link` is there.
"""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import Any

import yaml
from django.conf import settings


def place() -> Path | None:
    """Return the directory of `blobs` and `repositories`, made by the first push; None where it is not here."""
    try:
        changed = Path(settings.REGISTRY_CONFIG).stat().st_mtime_ns
    except OSError:
        return None
    found = _place(str(settings.REGISTRY_CONFIG), changed)
    return found if found is not None and found.parents[2].is_dir() else None


@lru_cache(maxsize=4)
def _place(config: str, _changed: int) -> Path | None:
    try:
        said: Any = yaml.safe_load(Path(config).read_text())
        return Path(said["storage"]["filesystem"]["rootdirectory"]) / "docker" / "registry" / "v2"
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob, open to be read by whoever closes it; `size` in bytes."""

    file: int
    size: int


def has(place: Path, repository: str, digest: str) -> bool:
    """Say whether a repository has a blob."""
    figures = digest.removeprefix("sha256:")
    return (place / "repositories" / repository / "_layers" / "sha256" / figures / "link").exists()


def taken(place: Path, digest: str) -> Blob | None:
    """Open a blob; None where it is not there, or not ours to read."""
    figures = digest.removeprefix("sha256:")
    try:
        file = os.open(f"{place}/blobs/sha256/{figures[:2]}/{figures}/data", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    seen = os.fstat(file)
    if S_ISREG(seen.st_mode):
        return Blob(file, seen.st_size)
    os.close(file)
    return None
