"""The other end of inside.py: its answers, and a task that gets events when asked."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from pks_portal.paths import CHECKOUT
from tests.real.running import FOREIGN, Portal

COMMAND = (sys.executable, "-m", "tests.load.inside")


def ask(portal: Portal, *words: str) -> Any:
    """Return what a command of inside.py prints."""
    done = subprocess.run(
        [*COMMAND, *words], env=_environment(portal), cwd=CHECKOUT, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True, timeout=120, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


@dataclass(frozen=True, slots=True)
class Producer:
    """A held task: `begin` starts events, `done` waits until all are committed."""

    task: str
    _input: IO[str]
    _output: IO[str]

    def begin(self, rate: float, seconds: float) -> None:
        self._input.write(f"{rate} {seconds}\n")
        self._input.flush()

    def done(self) -> tuple[int, int]:
        """Return the first and last number of the events that were begun."""
        first, last = json.loads(self._output.readline())
        return first, last


@contextmanager
def producing(portal: Portal) -> Iterator[Producer]:
    """Hold a task in the portal for the length of a with block."""
    with subprocess.Popen(
        [*COMMAND, "task"], env=_environment(portal), cwd=CHECKOUT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdin is not None
        assert child.stdout is not None
        yield Producer(child.stdout.readline().strip(), child.stdin, child.stdout)
        child.stdin.close()


def _environment(portal: Portal) -> dict[str, str]:
    """Leave the rest to the settings, which read what the portal was started with."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**kept, "PKS_DATA_DIR": str(portal.data), "DJANGO_SETTINGS_MODULE": "pks_portal.settings"}
