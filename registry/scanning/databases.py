"""The vulnerability databases on this host: in which state they are, and how one is taken in from a file."""

import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from pks_portal import files
from pks_portal.errors import Invalid
from registry.scanning import coverage, place
from registry.scanning.binary import Unusable
from registry.scanning.boltdb import Bolt, NotBolt
from registry.scanning.port import Database, state_at

TRIVY: Final = "trivy-db"
SCHEMA: Final = 2
LARGEST: Final = 4 * 1024**3
PIECE: Final = 1024 * 1024
DAMAGED: Final = (NotBolt, ValueError, KeyError, TypeError, AttributeError)
AHEAD: Final = timedelta(days=1)
"""How far clocks may differ; a database of the future would never grow old."""
NOT_SOURCES: Final = frozenset({"vulnerability", "data-source", "vulnerability-id", "vulnerability-detail", "trivy"})


def require(state: Database) -> None:
    """Raise Unusable unless a database can be judged by."""
    if state.state == "absent":
        raise Unusable("error.database_absent")
    if state.state == "broken":
        raise Unusable("error.database_broken", name=state.name, reason=state.cause)


def trivy(now: datetime) -> Database:
    """Return the state of trivy's database."""
    home = place.trivy() / "db"
    try:
        said = json.loads((home / "metadata.json").read_text(encoding="utf-8"))
        seen = (home / "trivy.db").stat()
    except FileNotFoundError:
        absent = not home.exists() or not any(home.iterdir())
        return Database(name=TRIVY, state="absent" if absent else "broken", cause="" if absent else "a part is missing")
    except (OSError, ValueError) as error:
        return Database(name=TRIVY, state="broken", cause=f"metadata.json: {error}"[:200])
    try:
        updated = _updated(said)
        records, sources, _buckets = _contents(home / "trivy.db", seen.st_size, seen.st_mtime_ns)
    except (*DAMAGED, OSError) as error:
        return Database(name=TRIVY, state="broken", cause=f"{type(error).__name__}: {error}"[:200])
    return Database(name=TRIVY, state=state_at(updated, now), updated_at=updated, records=records, sources=sources)


def trivy_buckets() -> frozenset[str]:
    """Return what trivy's database has advisories of, as it names that: "debian 12", "pip::…". Raises Unusable."""
    file = place.trivy() / "db" / "trivy.db"
    try:
        seen = file.stat()
        return _contents(file, seen.st_size, seen.st_mtime_ns)[2]
    except (NotBolt, OSError, ValueError) as error:
        raise Unusable("error.database_broken", name=TRIVY, reason=str(error)[:200]) from None


def trivy_names(begins: Collection[str]) -> frozenset[str]:
    """Return the packages of which trivy's database has advisories, in the buckets so called. Raises Unusable."""
    try:
        with Bolt(place.trivy() / "db" / "trivy.db") as bolt:
            wanted = [bucket for bucket in bolt.buckets() if coverage.speaks_of(bucket, begins)]
            return frozenset(name for bucket in wanted for name, _value in bolt.items(bucket))
    except (NotBolt, OSError) as error:
        raise Unusable("error.database_broken", name=TRIVY, reason=str(error)[:200]) from None


def _updated(said: Any) -> datetime:
    if said["Version"] != SCHEMA:
        raise ValueError(f"version {said['Version']}, not {SCHEMA}")
    found = parse_datetime(said["UpdatedAt"])
    if found is None or timezone.is_naive(found):
        raise ValueError("UpdatedAt is no time")
    if found > timezone.now() + AHEAD:
        raise ValueError(f"UpdatedAt lies in the future: {found:%F}")
    return found


@lru_cache(maxsize=2)
def _contents(file: Path, _size: int, _changed: int) -> tuple[int, tuple[str, ...], frozenset[str]]:
    """Return how many vulnerabilities a database has, whose they are, and its buckets. Raises NotBolt."""
    with Bolt(file) as bolt:
        buckets = frozenset(bolt.buckets()) - NOT_SOURCES
        names = {json.loads(value).get("Name", key) for key, value in bolt.items("data-source")}
        records = bolt.count("vulnerability")
    if not records or not buckets:
        raise NotBolt("no records")
    return records, tuple(sorted(names) or sorted(buckets)), buckets


def take_in(archive: IO[bytes]) -> Database:
    """Put trivy's database in place from its db.tar.gz, whole or not at all, and return its state. Raises Invalid."""
    home = place.trivy()
    with tempfile.TemporaryDirectory(dir=home) as made:
        fresh = Path(made) / "db"
        fresh.mkdir(mode=0o755)
        _unpack(archive, fresh)
        try:
            updated = _updated(json.loads((fresh / "metadata.json").read_text(encoding="utf-8")))
            seen = (fresh / "trivy.db").stat()
            records, sources, _buckets = _contents.__wrapped__(fresh / "trivy.db", seen.st_size, seen.st_mtime_ns)
        except (*DAMAGED, OSError) as error:
            raise Invalid("error.database_wrong", field="file", reason=str(error)[:200]) from None
        with files.locked(home):
            before = home / "db"
            if before.exists():
                before.rename(Path(made) / "before")
            fresh.rename(before)
    state = state_at(updated, timezone.now())
    return Database(name=TRIVY, state=state, updated_at=updated, records=records, sources=sources)


def _unpack(archive: IO[bytes], into: Path) -> None:
    """Write the two files of a database from its archive. Raises Invalid."""
    wanted = {"trivy.db", "metadata.json"}
    try:
        with tarfile.open(fileobj=archive, mode="r:*") as opened:
            for entry in opened:
                name = os.path.basename(entry.name)  # noqa: PTH119 - a name in an archive is no path of ours
                if name in wanted and entry.isfile() and entry.size <= LARGEST and (file := opened.extractfile(entry)):
                    with (into / name).open("wb") as kept:
                        shutil.copyfileobj(file, kept, PIECE)
                    (into / name).chmod(0o644)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise Invalid("error.database_wrong", field="file", reason=f"{type(error).__name__}: {error}"[:200]) from None
    if missing := wanted - {file.name for file in into.iterdir()}:
        raise Invalid("error.database_wrong", field="file", reason=f"no {min(missing)} in it")
