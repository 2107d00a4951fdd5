"""The Go toolchain: found, and run at the lowest priority so that it never outlives its caller or gets in the way."""

import contextlib
import os
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from clusters.engines.local.artifacts import BinariesUnusable

NEEDED = (1, 26)

Lines = queue.SimpleQueue[str | None]


class GoFailed(Exception):
    """A go command ended with an error, or did not end in time; the text is the end of what it said."""


class GoCancelled(Exception):
    """The caller wants no more of it."""


class Go:
    """A toolchain; `run` is one of its commands, which ends when its caller dies, cancels or runs out of time."""

    def __init__(self, path: Path, version: str, cancelled: Callable[[], bool]) -> None:
        self.path, self.version, self.cancelled = path, version, cancelled

    @classmethod
    def find(cls, cache: Path, cancelled: Callable[[], bool]) -> "Go":
        """Return the `go` on PATH or the one that bootstrap put under the cache; the first that is new enough.

        Raises BinariesUnusable "binaries.no_go".
        """
        for path in (shutil.which("go"), shutil.which("go", path=str(cache / "go" / "bin"))):
            if path and (version := _version(path)):
                return cls(Path(path), version, cancelled)
        raise BinariesUnusable("binaries.no_go", needed=".".join(map(str, NEEDED)))

    def run(self, *args: str, cwd: Path, seconds: float, watch: Callable[[str], None] = lambda _: None) -> str:
        """Run a command, give each line of its error output to `watch`, and return its standard output.

        Raises GoFailed, and GoCancelled soon after `cancelled` tells so.
        """
        lines: Lines = queue.SimpleQueue()
        tail: deque[str] = deque(maxlen=30)
        with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
            with _started([*_gently(), str(self.path), *args], cwd, out.fileno(), lines) as process:
                for line in self._until_end(lines, time.monotonic() + seconds):
                    tail.append(line)
                    watch(line)
            if process.returncode:
                raise GoFailed("\n".join(tail) or f"go ended with {process.returncode}")
            out.seek(0)
            return out.read()

    def _until_end(self, lines: Lines, deadline: float) -> Iterator[str]:
        while True:
            if self.cancelled():
                raise GoCancelled
            if time.monotonic() > deadline:
                raise GoFailed("It did not end in time.")
            with contextlib.suppress(queue.Empty):
                if (line := lines.get(timeout=0.25)) is None:
                    return
                yield line


@contextlib.contextmanager
def _started(command: list[str], cwd: Path, out: int, lines: Lines) -> Iterator[subprocess.Popen[str]]:
    """Start a command in a process group of its own, and leave nothing of the group running."""
    pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": subprocess.PIPE}
    with subprocess.Popen(
        command, cwd=cwd, env=_environment(), text=True, errors="replace", start_new_session=True, **pipes
    ) as process:
        reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
        reader.start()
        try:
            yield process
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            reader.join()


def _read(process: subprocess.Popen[str], lines: Lines) -> None:
    for line in process.stderr or ():
        lines.put(line.rstrip("\n"))
    lines.put(None)


def _gently() -> list[str]:
    """Return the prefix that gives a command the lowest priority and ends it with the thread that started it."""
    wrappers = (["nice", "-n", "19"], ["ionice", "-c", "3"], ["setpriv", "--pdeathsig", "KILL"])
    return [word for wrapper in wrappers if shutil.which(wrapper[0]) for word in wrapper]


def _version(path: str) -> str:
    """Return "go1.26.8" when a toolchain works and is new enough, else ""."""
    try:
        command = [path, "env", "GOVERSION"]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, env=_environment())
    except (OSError, subprocess.SubprocessError):
        return ""
    numbers = re.match(r"go(\d+)\.(\d+)", answer.stdout)
    return answer.stdout.strip() if numbers and (int(numbers[1]), int(numbers[2])) >= NEEDED else ""


def _environment() -> dict[str, str]:
    """Return ours with what makes a build the same everywhere; proxy and cache settings are the operator's."""
    return {"GOTOOLCHAIN": "local", **os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
