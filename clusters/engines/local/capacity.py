"""What this host has left for clusters: memory within its cgroup's limit, and room on the disk."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from clusters.engines.base import Wanted

GIB = 2**30
MIB = 2**20
MEMBER_GIB = 0.7  # measured: etcd, API server, controller manager, scheduler, kwok and haproxy of one member
RESERVE_GIB = 1.0  # left for the portal and the host; PKS_MEMORY_RESERVE_GIB sets another
DISK_MIB = 256  # of which etcd takes 64 for its log at once
_UNLIMITED = 2**60


def memory_needed(wanted: Wanted) -> float:
    """Return the GiB that a new cluster takes here; simulated nodes take none that counts."""
    return round(wanted.control_plane * MEMBER_GIB, 2)


def memory_free() -> float:
    """Return the GiB that new clusters may take: the least that the host or a cgroup above us has, less the reserve."""
    reserve = float(os.environ.get("PKS_MEMORY_RESERVE_GIB") or RESERVE_GIB)
    least = min([_available(), *_cgroup_rooms()])
    return round(max(0.0, least / GIB - reserve), 2)


def memory_total() -> float:
    """Return the GiB that this host has."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return round(int(line.split()[1]) / 2**20, 2)
    return 0.0


def disk_free(path: Path) -> float:
    """Return the MiB free at a path, or where it will be."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free / MIB


def _available() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return _UNLIMITED


def _cgroup_rooms() -> Iterator[int]:
    """Yield the room under each limit above this process, of cgroup v2 and of v1's memory controller."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        if not controllers:
            yield from _rooms(Path("/sys/fs/cgroup"), group, "memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            base = Path("/sys/fs/cgroup/memory")
            yield from _rooms(base, group, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _rooms(base: Path, group: str, limit_file: str, used_file: str, reclaimable: str) -> Iterator[int]:
    folder = base / group.lstrip("/")
    for place in (folder, *folder.parents):
        if not place.is_relative_to(base):
            return
        try:
            limit, used = (place / limit_file).read_text().strip(), int((place / used_file).read_text())
            cached = dict(line.split() for line in (place / "memory.stat").read_text().splitlines())
        except (OSError, ValueError):
            continue  # the root group has no limit; a container may not see those above its own
        if limit != "max" and int(limit) < _UNLIMITED:
            yield int(limit) - used + int(cached.get(reclaimable, 0))
