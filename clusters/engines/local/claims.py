"""Slots on this host: each cluster holds one number, from which its addresses and the user of its processes follow.

Claims lie on the host and not in a database, so that several checkouts live side by side. A claim is a file that names
the cluster's directory; a claim whose directory is gone is stale and may be taken.
"""

import fcntl
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pks_portal.errors import PortalError
from pks_portal.files import write

SLOTS = 190 * 256  # 127.64.0.0/24 to 127.253.255.0/24
TRIES = 64


def default_host() -> Path:
    """Return the directory of this host's claims: one for root, one of its own for each other user."""
    user = os.geteuid()
    return Path("/run/lock/pks-portal") if user == 0 else Path(f"/tmp/pks-portal-{user}")  # noqa: S108


def make_private(path: Path) -> None:
    """Make a directory that is ours alone; it may lie where everybody can make one before us, as in /tmp.

    Raises PortalError "engine.not_private" when it is a link, belongs to somebody else or is open to others.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = path.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid() or state.st_mode & 0o077:
        raise PortalError("engine.not_private", system="host", path=str(path))


class Claims:
    """The claims of a host; `host` is their directory."""

    def __init__(self, host: Path | None = None) -> None:
        self.host = host or default_host()

    def held(self, home: Path) -> int | None:
        """Return the slot that a cluster's directory holds."""
        return next((slot for slot, holder in self._all() if holder == home), None)

    def homes(self) -> list[Path]:
        """Return the directories of all clusters on this host, of every checkout, that are there."""
        return [holder for _, holder in self._all() if holder.is_dir()]

    def take(self, home: Path, usable: Callable[[int], bool], admit: Callable[[], None] = lambda: None) -> int | None:
        """Claim a free slot that is usable and return it; None when none of some dozens is.

        `admit` raises where the host can take no more clusters; it is asked while nobody else claims anything.
        """
        with self._locked():
            if (slot := self.held(home)) is not None:
                return slot
            admit()
            for slot in self._candidates(home):
                if self._free(slot) and usable(slot):
                    write(self._path(slot), str(home))
                    return slot
        return None

    def keep(self, home: Path, slot: int) -> bool:
        """Claim a slot again that the cluster had before a reboot; False when somebody else has it now."""
        with self._locked():
            if self._holder(self._path(slot)) == home:
                return True
            if not self._free(slot):
                return False
            write(self._path(slot), str(home))
            return True

    def release(self, home: Path) -> None:
        """Give up what a cluster's directory holds."""
        with self._locked():
            if (slot := self.held(home)) is not None:
                self._path(slot).unlink(missing_ok=True)

    def _all(self) -> Iterator[tuple[int, Path]]:
        if not self.host.is_dir():
            return
        make_private(self.host)
        for path in self.host.glob("slot-*"):
            if (holder := self._holder(path)) is not None:
                yield int(path.name.removeprefix("slot-")), holder

    def _path(self, slot: int) -> Path:
        return self.host / f"slot-{slot}"

    def _holder(self, path: Path) -> Path | None:
        try:
            return Path(path.read_text())
        except FileNotFoundError:
            return None

    def _free(self, slot: int) -> bool:
        holder = self._holder(self._path(slot))
        return holder is None or not holder.is_dir()

    def _candidates(self, home: Path) -> Iterator[int]:
        """Begin at a place that depends on the cluster, so that two checkouts seldom meet even after a reboot."""
        start = int.from_bytes(hashlib.sha256(str(home).encode()).digest()[:8], "big")
        return ((start + step) % SLOTS for step in range(TRIES))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make_private(self.host)
        with (self.host / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
