"""Run a program over what strangers have pushed, with as little as it needs.

As root: as nobody, without capabilities, and without any network or with one in which only one address is (lone.py).
Always: without privileges to gain, with limits for memory and disk, dying with us, its secrets kept out of its log.
"""

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from django.conf import settings

from pks_portal.errors import Unavailable
from registry.scanning import place
from registry.scanning.binary import Unusable
from registry.scanning.port import Log

MIB: Final = 1024 * 1024
LOOKS_EVERY: Final = 0.5
"""Seconds after which a silent run is asked whether it is still wanted, and how much it has written."""
STARVED: Final = ("out of memory", "cannot allocate memory", "failed to create new OS thread")
FULL: Final = ("file too large", "file size limit exceeded", "no space left on device")


class Halted(Exception):
    """A run was ended before its end, as was asked."""


Stop = Callable[[], bool]


def never() -> bool:
    """Say that nobody asked to stop."""
    return False


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """A log that takes secrets out of what is told it."""

    log: Log
    secrets: tuple[str, ...]

    def clean(self, line: str) -> str:
        """Return a text without the secrets."""
        for secret in filter(None, self.secrets):
            line = line.replace(secret, "***")
        return line

    def __call__(self, line: str) -> None:
        self.log(self.clean(line)[:500])


@dataclass(frozen=True, slots=True)
class Run:
    """What to run. `network`: a network namespace's number among `descriptors`; None: without any network.

    `writes`: the directory that it may fill, which is looked at meanwhile.
    """

    command: Sequence[str]
    environment: dict[str, str]
    descriptors: Sequence[int] = ()
    network: int | None = None
    writes: Path | None = None


def run(wanted: Run, *, system: str, log: Scrubbed, stopped: Stop = never) -> None:
    """Run it to its end, telling each line as it comes.

    Raises Halted, Unavailable (too slow), Unusable (it failed, or wants more memory or disk than it may have).
    """
    lines: list[str] = []
    memory = settings.SCAN_MEMORY_MIB * MIB
    process = subprocess.Popen(
        [*prefix(wanted.network), *wanted.command], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", pass_fds=wanted.descriptors,
        env={**wanted.environment, "GOMEMLIMIT": str(memory * 3 // 4)},  # Go then works harder before it fails
    )  # fmt: skip
    with process:
        try:
            for line in _until_end(process, wanted, system, stopped):
                lines.append(line)
                log(line)
        finally:
            process.kill()
    if process.returncode:
        raise _failure(process.returncode, [log.clean(line) for line in lines], system)


def prefix(network: int | None) -> list[str]:
    """Return what to put before a command. `network`: as in Run."""
    limits = [f"--data={settings.SCAN_MEMORY_MIB * MIB}", f"--fsize={settings.SCAN_DISK_MIB * MIB}", "--core=0"]
    lean = ["prlimit", *limits, "setpriv", "--pdeathsig=KILL", "--no-new-privs"]
    if os.geteuid() != 0:
        return lean
    nobody = [f"--reuid={place.NOBODY}", f"--regid={place.NOBODY}", "--clear-groups"]
    drop = [*lean, *nobody, "--inh-caps=-all", "--bounding-set=-all"]
    return ["unshare", "--net", *drop] if network is None else ["nsenter", f"--net=/proc/self/fd/{network}", *drop]


def _failure(code: int, lines: list[str], system: str) -> Unusable:
    said = "\n".join(lines).lower()
    if any(word in said for word in STARVED):
        return Unusable("error.scan_memory", system=system, limit=settings.SCAN_MEMORY_MIB)
    if code == -signal.SIGXFSZ or any(word in said for word in FULL):
        return _too_large(system)
    why = [line for line in lines if line.startswith("  - ")] or lines  # with --debug, reasons between their traces
    return Unusable("error.scan_failed", system=system, code=code, cause="\n".join(why[-5:]))


def _too_large(system: str) -> Unusable:
    return Unusable("error.scan_disk", system=system, limit=settings.SCAN_DISK_MIB)


def _until_end(process: "subprocess.Popen[str]", wanted: Run, system: str, stopped: Stop) -> Iterator[str]:
    """Yield what a process writes until it closes its output. Raises Halted, Unavailable, Unusable."""
    said: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(process.stdout, said), daemon=True).start()
    began = looked = time.monotonic()
    while True:
        try:
            line = said.get(timeout=LOOKS_EVERY)
        except queue.Empty:
            line = ""
        if line is None:
            process.wait()
            return
        if line:
            yield line
        if time.monotonic() - looked >= LOOKS_EVERY:
            _look(began, wanted, system, stopped)
            looked = time.monotonic()


def _look(began: float, wanted: Run, system: str, stopped: Stop) -> None:
    """Raise what ends a run: Halted, Unusable (it fills the disk), Unavailable (it takes too long)."""
    if stopped():
        raise Halted
    if wanted.writes is not None and _size(wanted.writes) > settings.SCAN_DISK_MIB * MIB:
        raise _too_large(system)
    if time.monotonic() - began > settings.SCAN_SECONDS:
        raise Unavailable("error.scan_slow", system=system, seconds=settings.SCAN_SECONDS)


def _size(directory: Path) -> int:
    """Return the bytes of a directory's files on disk; what goes meanwhile is left out, and no link is followed."""
    total = 0
    for root, _directories, files in os.walk(directory):
        for name in files:
            with suppress(OSError):
                total += (Path(root) / name).lstat().st_blocks * 512
    return total


def _read(output: IO[str], into: "queue.SimpleQueue[str | None]") -> None:
    with suppress(ValueError, OSError):  # it was killed, and its output closed
        for line in output:
            if line.strip():
                into.put(line.rstrip("\n"))
    into.put(None)
