"""What a backup holds, and how a portal rises from it.

The database, everything under keys/ (key ring, secret key, certificates), and of each cluster on this host its
certificate authorities. Not what clusters hold themselves: that is their etcd's.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from pks_portal import __version__, files, keyring, paths
from pks_portal.upkeep import archive, databases

CLUSTER_FILES: Final = ("cluster.json", "pki", "secrets")
KEPT_APART: Final = "restored"
"""Where the certificate authorities of clusters go that have no data on the new host: nothing starts them there."""


UNFINISHED: Final = ".restoring"
"""The file with the checksum of the database that a restore is bringing, until the keys are there too."""
SCRATCH: Final = ".backup-"


class RestoreRefused(Exception):
    """There is something here already, or the backup does not fit this release; nothing was changed."""


def make(path: Path, passphrase: str, *, clusters: bool = True) -> Mapping[str, Any]:
    """Write a backup while the portal runs; return its manifest.

    Raises FileExistsError, DatabaseError, KeyRingError, OSError; then there is no file.
    """
    data, ring = paths.data(), keyring.ring()
    facts = {
        "release": __version__,
        "at": timezone.now().isoformat(timespec="seconds"),
        "database": connection.vendor,
        "migrations": _migrations(),
        "key": ring.active,
    }
    with _scratch(path.parent) as scratch, archive.writing(path, passphrase, facts) as writer:
        dump = scratch / databases.name()
        databases.dump(dump)
        writer.add(f"database/{dump.name}", dump)
        for file in _files(data, clusters=clusters):
            with suppress(FileNotFoundError):  # a cluster that is being deleted
                writer.add(str(file.relative_to(data)), file)
        if "keys/key-ring" not in writer.sums:  # it lies elsewhere, or is in the environment
            writer.text("keys/key-ring", ring.text())
        if keyring.ring() != ring:  # some of what is in the file would open with no key that is in it
            raise keyring.KeyRingError("The key ring was changed meanwhile: make the backup again.")
    return {**facts, "files": writer.sums}


def restore(path: Path, passphrase: str) -> Mapping[str, Any]:
    """Bring a backup into an empty place; return its manifest.

    What is there already is never touched, but that clusters of this host go on. Killed at any point, it goes on when
    it is run again with the same backup: the keys come last. Raises RestoreRefused, ArchiveError, DatabaseError,
    OSError.
    """
    data = paths.data()
    _refuse_what_is_there(data)
    data.mkdir(mode=0o711, parents=True, exist_ok=True)
    for left in data.glob(f"{SCRATCH}*"):  # by one that was killed
        shutil.rmtree(left)
    with _scratch(data) as scratch:
        facts = archive.extract(path, passphrase, scratch)
        _refuse_newer(facts)
        _load(scratch, facts, data / UNFINISHED)
        _keep_apart(scratch, data)
        (scratch / "keys").rename(data / "keys")
        (data / UNFINISHED).unlink()
    return facts


def _load(scratch: Path, facts: Mapping[str, Any], unfinished: Path) -> None:
    """Load the database, whole or not at all, unless a restore that was killed had done so from the same backup."""
    (dump,) = (scratch / "database").iterdir()
    mine = facts["files"][f"database/{dump.name}"]
    if databases.is_empty():
        files.write(unfinished, mine, durable=True)
        databases.load(dump)
    elif unfinished.read_text() != mine:
        raise RestoreRefused(
            "The database holds what a restore brought that was not finished, of another backup; "
            f"restore that one to go on, or empty the database and remove {unfinished}."
        )


def _keep_apart(scratch: Path, data: Path) -> None:
    for home in _homes(scratch):
        place = data / KEPT_APART / "clusters" / home.name
        if not (data / "clusters" / home.name).exists() and not place.exists():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            home.rename(place)


def _files(data: Path, *, clusters: bool) -> Iterator[Path]:
    yield from _below(data / "keys")
    if clusters:
        for home in _homes(data):
            for name in CLUSTER_FILES:
                yield from _below(home / name)


def _homes(data: Path) -> list[Path]:
    """Return the directories of clusters, those first that are at home here and not kept apart since a restore."""
    return [*sorted(data.glob("clusters/*")), *sorted(data.glob(f"{KEPT_APART}/clusters/*"))]


def _below(place: Path) -> Iterator[Path]:
    files = [place] if place.is_file() else sorted(place.rglob("*"))
    yield from (file for file in files if file.is_file() and not file.is_symlink())


@contextmanager
def _scratch(beside: Path) -> Iterator[Path]:
    """Yield a private directory on the same disk as what it will hold."""
    with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=beside) as name:
        yield Path(name)


def _migrations() -> dict[str, str]:
    """Return the last applied migration of each app."""
    return dict(sorted(MigrationRecorder(connection).applied_migrations()))


def _refuse_what_is_there(data: Path) -> None:
    if (keys := data / "keys").exists() and any(keys.iterdir()):
        raise RestoreRefused(f"{keys} is not empty; restore into a new data directory, or move it away.")
    if not databases.is_empty() and not (data / UNFINISHED).exists():
        raise RestoreRefused("The database is not empty; restore into a new one.")


def _refuse_newer(facts: Mapping[str, Any]) -> None:
    known = MigrationLoader(None, ignore_no_migrations=True).disk_migrations or {}
    if strange := [f"{app} {name}" for app, name in facts["migrations"].items() if (app, name) not in known]:
        raise RestoreRefused(
            f"The backup was made by release {facts['release']}, which is newer than this one (it has {strange[0]})."
        )
