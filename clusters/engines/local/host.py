"""What all parts of the local engine share: where data lies, what is claimed, and who keeps processes running."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from uuid import UUID

from clusters.engines.local import capacity
from clusters.engines.local.claims import Claims
from clusters.engines.local.layout import Layout, grown
from clusters.engines.local.supervisor import Supervisor
from pks_portal.errors import PortalError, Unavailable


class HostFull(PortalError):
    """The disk has no room; somebody has to make some."""

    status = HTTPStatus.INSUFFICIENT_STORAGE


@dataclass(frozen=True, slots=True)
class Host:
    """A machine as the engine sees it: `root` the data directory, `cache` where the programs are."""

    root: Path
    cache: Path
    claims: Claims
    supervisor: Supervisor

    @classmethod
    def at(cls, root: Path, cache: Path, claims: Path | None = None) -> "Host":
        """Return the host with its data, cache and (for tests) claims in these directories."""
        return cls(root.absolute(), cache.absolute(), Claims(claims), Supervisor(root.absolute(), claims))

    def layout(self, cluster_id: UUID) -> Layout:
        return Layout(self.root, cluster_id)

    def memory_free(self, besides: Layout | None = None) -> float:
        """Return the GiB that new clusters may take: what is free, less what those still starting will take.

        `besides`: a cluster that is not counted among those.
        """
        starting = [home for home in self.claims.homes() if not (besides and home == besides.home) and not grown(home)]
        return round(max(0.0, capacity.memory_free() - len(starting) * capacity.MEMBER_GIB), 2)


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Hold a directory or file for this caller only; gives False at once when somebody else has it or it is gone.

    The lock is on the directory itself, so that nothing is left when that is removed.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = path.exists() and path.stat().st_ino == os.fstat(descriptor).st_ino
    except BlockingIOError:
        held = False
    try:
        yield held
    finally:
        os.close(descriptor)


@contextmanager
def explained(place: Path) -> Iterator[None]:
    """Turn what the operating system refuses into the portal's errors."""
    try:
        yield
    except OSError as refused:
        path = Path(refused.filename2 or refused.filename or place)
        if refused.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise disk_full(path) from refused
        raise Unavailable(
            "engine.host_refused", system="host", cause=refused.strerror or str(refused), path=str(path)
        ) from refused


def disk_full(path: Path) -> HostFull:
    """Return the error that names the place and what is free there."""
    return HostFull(
        "engine.disk_full",
        system="host",
        path=str(path),
        free_mib=int(capacity.disk_free(path)),
        needed_mib=capacity.DISK_MIB,
    )
