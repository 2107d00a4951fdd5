"""Find and end processes by the mark in their environment, so that no recorded pid can ever be the wrong one."""

import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

MARK = "PKS_PROCESS"


def marked(prefix: str) -> dict[int, str]:
    """Return pid → mark of every living process whose mark begins with this."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (mark := _mark(int(entry.name))) and mark.startswith(prefix):
            found[int(entry.name)] = mark
    return found


def memory(prefix: str) -> int:
    """Return the MiB that these processes take together, what they share counted once (proportional set size)."""
    return sum(map(_kib, marked(prefix))) // 1024


def _kib(pid: int) -> int:
    with suppress(OSError):  # ended meanwhile
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def end(pids: Iterable[int], prefix: str, *, number: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to these processes as far as they still carry a mark with this prefix."""
    for pid in pids:
        with suppress(ProcessLookupError), _Opened(pid) as descriptor:
            if (_mark(pid) or "").startswith(prefix):  # checked after opening: the pid cannot have been reused
                signal.pidfd_send_signal(descriptor, number)


def wait_gone(prefix: str, seconds: float) -> dict[int, str]:
    """Wait until no process has such a mark; return those left after the given time."""
    deadline = time.monotonic() + seconds
    while (left := marked(prefix)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


class _Opened:
    """A pidfd as a context manager."""

    def __init__(self, pid: int) -> None:
        self._descriptor = os.pidfd_open(pid)

    def __enter__(self) -> int:
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _mark(pid: int) -> str | None:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # ended, or another user's
        return None
    return next(_values(environment), None)


def _values(environment: bytes) -> Iterator[str]:
    wanted = f"{MARK}=".encode()
    for item in environment.split(b"\0"):
        if item.startswith(wanted):
            yield item.removeprefix(wanted).decode(errors="replace")
