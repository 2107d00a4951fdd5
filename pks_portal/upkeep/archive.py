"""One encrypted file that holds many: a tar whose last member is the manifest, with the sha256 of each."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from pks_portal.upkeep.encryption import CHUNK, ArchiveError, Opening, Sealing

MANIFEST: Final = "manifest.json"


class Writer:
    """Adds members to an archive that is being written."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.sums: dict[str, str] = {}

    def add(self, name: str, source: Path) -> None:
        """Add a file as it is now, under a name."""
        with source.open("rb") as file:
            info = self._tar.gettarinfo(arcname=name, fileobj=file)
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            hashed = _Hashing(file)
            self._tar.addfile(info, hashed)
        self.sums[name] = hashed.digest

    def text(self, name: str, text: str) -> None:
        """Add a small text under a name."""
        self.sums[name] = self._put(name, text.encode())

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Add the manifest: `facts`, and the sums of all that was added."""
        self._put(MANIFEST, json.dumps({**facts, "files": dict(self.sums)}, indent=1).encode())

    def _put(self, name: str, data: bytes) -> str:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), 0o600
        self._tar.addfile(info, io.BytesIO(data))
        return hashlib.sha256(data).hexdigest()


@contextmanager
def writing(path: Path, passphrase: str, facts: Mapping[str, Any]) -> Iterator[Writer]:
    """Write an archive whole or not at all; the manifest gets `facts`. Raises FileExistsError, OSError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    if path.exists():
        raise FileExistsError(str(path))
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            sealing = Sealing(file, passphrase)
            with tarfile.open(fileobj=sealing, mode="w|", bufsize=CHUNK) as tar:  # type: ignore[call-overload]
                writer = Writer(tar)
                yield writer
                writer.finish(facts)
            sealing.finish()
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # never over a file that appeared meanwhile
    finally:
        temporary.unlink(missing_ok=True)


def extract(path: Path, passphrase: str, target: Path) -> dict[str, Any]:
    """Unpack into an empty directory, check every sum, and return the manifest. Raises ArchiveError, OSError."""
    found: dict[str, str] = {}
    with _members(path, passphrase) as tar:
        for member in tar:
            name = _safe(member)
            file = target / name
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            found[name] = _copy(tar, member, file)
    return _checked(target / MANIFEST, found)


def check(path: Path, passphrase: str) -> dict[str, Any]:
    """Read an archive to its end, check every sum, and return the manifest. Raises ArchiveError, OSError."""
    found, manifest = {}, b""
    with _members(path, passphrase) as tar:
        for member in tar:
            hashed = _Hashing(tar.extractfile(_file(member)) or io.BytesIO())
            name = _safe(member)
            manifest = hashed.read() if name == MANIFEST else b""
            while hashed.read(CHUNK):
                pass
            found[name] = hashed.digest
    return _agreeing(manifest, found)


@contextmanager
def _members(path: Path, passphrase: str) -> Iterator[tarfile.TarFile]:
    with path.open("rb") as file:
        opening = Opening(file, passphrase)
        try:
            with tarfile.open(fileobj=opening, mode="r|", bufsize=CHUNK) as tar:  # type: ignore[call-overload]
                yield tar
            opening.end()
        except (tarfile.TarError, EOFError) as error:
            raise ArchiveError("The backup is damaged.") from error


def _copy(tar: tarfile.TarFile, member: tarfile.TarInfo, file: Path) -> str:
    hashed = _Hashing(tar.extractfile(_file(member)) or io.BytesIO())
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, member.mode & 0o700), "wb") as out:
        while data := hashed.read(CHUNK):
            out.write(data)
    return hashed.digest


def _file(member: tarfile.TarInfo) -> tarfile.TarInfo:
    if not member.isreg():
        raise ArchiveError(f"The backup holds something that is no file: {member.name}")
    return member


def _safe(member: tarfile.TarInfo) -> str:
    parts = Path(member.name).parts
    if member.name.startswith("/") or ".." in parts or not parts:
        raise ArchiveError(f"The backup holds a path that leads outside: {member.name}")
    return member.name


def _checked(manifest: Path, found: dict[str, str]) -> dict[str, Any]:
    return _agreeing(manifest.read_bytes() if manifest.exists() else b"", found)


def _agreeing(manifest: bytes, found: dict[str, str]) -> dict[str, Any]:
    """Return the manifest if it names exactly what was found."""
    try:
        facts: dict[str, Any] = json.loads(manifest)
    except ValueError as error:
        raise ArchiveError("The backup has no manifest: it was never finished.") from error
    found.pop(MANIFEST, None)
    if facts["files"] != found:
        raise ArchiveError("The backup does not hold what its manifest says.")
    return facts


class _Hashing:
    """A file to read from that remembers the sum of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._sum = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._sum.update(data)
        return data

    @property
    def digest(self) -> str:
        return self._sum.hexdigest()
