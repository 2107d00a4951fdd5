"""Where one default set lives: its checkout, data, cache, address, and the files that the commands share."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from ipaddress import ip_address
from pathlib import Path

from pks_portal import files, paths
from pks_portal.default_set.words import SetError, _

LAYOUT = 1
SECRET_DIRECTORIES = ("db", "keys", "directory", "redis", "log", "run", "registry")
PRIVATE = 0o700
LONGEST_SOCKET = 90  # bytes; the kernel takes 107, and supervisord binds "<path>.<pid>" first


@dataclass(frozen=True, slots=True)
class Place:
    """One default set. `host` is a loopback address or "localhost"."""

    data: Path
    cache: Path
    host: str
    port: int
    checkout: Path = paths.CHECKOUT

    @property
    def run(self) -> Path:
        return self.data / "run"

    @property
    def log(self) -> Path:
        return self.data / "log"

    @property
    def keys(self) -> Path:
        return self.data / "keys"

    @property
    def clusters(self) -> Path:
        return self.data / "clusters"

    @property
    def environment_file(self) -> Path:
        return self.run / "portal.env"

    @property
    def public_url(self) -> str:
        """The address for people: localhost, since browsers refuse WebAuthn on an IP address."""
        name = "localhost" if self.host in {"127.0.0.1", "::1"} else self.host
        return f"http://{name}:{self.port}"

    def live_clusters(self) -> list[str]:
        """Return the ids of the clusters that have data here."""
        return sorted(entry.name for entry in self.clusters.glob("*") if entry.is_dir())

    def prepare(self) -> None:
        """Make the directories; raise SetError where the data is of a newer release."""
        layout = self.data / "layout"
        if layout.exists() and int(layout.read_text()) > LAYOUT:
            raise SetError(_("%(path)s was written by a newer release; update this checkout.", path=self.data))
        self.data.mkdir(parents=True, exist_ok=True, mode=0o711)
        for name in SECRET_DIRECTORIES:
            (self.data / name).mkdir(exist_ok=True, mode=PRIVATE)
        write(layout, f"{LAYOUT}\n", mode=0o644)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the only right to start, stop or clean this set; wait while another command has it."""
        self.run.mkdir(parents=True, exist_ok=True)
        with (self.run / "lock").open("w") as file:
            try:
                flock(file, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                print(_("Waiting for another command that works on %(path)s …", path=self.data), file=sys.stderr)
                flock(file, LOCK_EX)
            yield

    def socket(self) -> Path:
        """Return the supervisor's socket: under run/, or where that path is too long in a private short directory."""
        plain = self.run / "supervisor.sock"
        if len(os.fsencode(plain)) <= LONGEST_SOCKET:
            return plain
        digest = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        directory = Path(tempfile.gettempdir()) / f"pks-portal-{os.geteuid()}-{digest}"
        directory.mkdir(mode=PRIVATE, exist_ok=True)
        found = directory.lstat()
        if found.st_uid != os.geteuid() or found.st_mode & 0o777 != PRIVATE or directory.is_symlink():
            raise SetError(_("%(path)s must be a directory that only you may enter.", path=directory))
        return directory / "supervisor.sock"


def here() -> Place:
    """Return the place that the environment names: PKS_DATA_DIR, PKS_CACHE_DIR, PKS_HOST, PKS_PORT."""
    data, wanted = paths.data(), {**os.environ}
    if not wanted.get("PKS_PORT", "8000").isdigit():
        raise SetError(_("PKS_PORT must be a whole number, not “%(value)s”.", value=wanted["PKS_PORT"]))
    return Place(data, paths.cache(), wanted.get("PKS_HOST", "127.0.0.1"), int(wanted.get("PKS_PORT", "8000")))


def guard(place: Place) -> None:
    """Refuse to run a directory with known passwords where others could reach it, or beside real data."""
    try:
        loopback = place.host == "localhost" or ip_address(place.host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise SetError(
            _("The demo set has known passwords, so it listens on loopback only, not on %(host)s.", host=place.host)
        )
    for name in ("DATABASE_URL", "PKS_DIRECTORY_URI"):
        if os.environ.get(name):
            raise SetError(
                _("%(name)s is set: the demo set does not start beside a real database or directory.", name=name)
            )


def write(path: Path, text: str, *, mode: int = 0o600) -> bool:
    """Put the text into the file; say whether the file changed."""
    if path.exists() and path.read_text() == text:
        return False
    files.write(path, text, mode=mode)
    return True
