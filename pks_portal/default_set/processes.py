"""Our processes as the kernel knows them: found by pid *and* start time, since pids are given out again.

Each program is started through recorded.sh, which writes "<pid> <start time> <boot id>" to run/pids/<program>.
"""

import os
import select
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Process:
    name: str
    pid: int


def recorded(directory: Path, name: str) -> Process | None:
    """Return the recorded process of a program if it still lives."""
    try:
        pid, started, boot = (directory / name).read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    if boot == BOOT.read_text().strip() and _started(int(pid)) == started:
        return Process(name, int(pid))
    return None


def end(process: Process, *, patience: float) -> None:
    """End a process: SIGTERM, and SIGKILL to its group when it has not gone within `patience` seconds."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGTERM)
            signal.pidfd_send_signal(descriptor, signal.SIGCONT)
        if not select.select([descriptor], [], [], patience)[0]:
            _kill(process.pid, descriptor)
            select.select([descriptor], [], [], 5)
    finally:
        os.close(descriptor)


def _kill(pid: int, descriptor: int) -> None:
    with suppress(ProcessLookupError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)


def memory(pid: int) -> int:
    """Return the resident memory of a process in bytes, 0 if it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def age(pid: int) -> int:
    """Return how many seconds a process has lived, 0 if it is gone."""
    if not (started := _started(pid)):
        return 0
    up = float(Path("/proc/uptime").read_text().split()[0])
    return max(0, int(up - int(started) / os.sysconf("SC_CLK_TCK")))


def _started(pid: int) -> str:
    """Return the start time in clock ticks since boot; empty for one that is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
