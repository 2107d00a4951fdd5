"""Talk with the set's supervisord over its unix socket: is it there, what runs, take over changes, start, stop."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from pks_portal import supervisord
from pks_portal.default_set.programs import RECORDED
from pks_portal.default_set.words import SetError, _
from pks_portal.supervisord import ALREADY_ADDED, ALREADY_STARTED, NO_WAIT, NOT_RUNNING
from pks_portal.supervisord import RUNNING as UP

__all__ = ["UP", "Supervisor"]

ALREADY: Final = {ALREADY_STARTED, NOT_RUNNING, ALREADY_ADDED}
TIMEOUT: Final = 10.0
SHUTDOWN: Final = 30.0


class Supervisor:
    """A supervisord behind a socket; every call raises SetError when it does not answer within ten seconds."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of supervisord's XML-RPC; a fault that says "it is so already" is success."""
        try:
            return supervisord.call(self.path, method, *arguments, timeout=TIMEOUT)
        except supervisord.Fault as fault:
            if fault.faultCode in ALREADY:
                return True
            raise SetError(
                _("The supervisor refused %(call)s: %(cause)s", call=method, cause=fault.faultString)
            ) from fault
        except supervisord.Silent as error:
            raise SetError(_("The supervisor does not answer (%(cause)s).", cause=error)) from error

    def answers(self) -> bool:
        """Say whether it is there."""
        with suppress(SetError):
            return bool(self.call("getState"))
        return False

    def states(self) -> dict[str, dict[str, Any]]:
        """Return what supervisord says of each program: statename, pid, start, now, and so on."""
        return {info["name"]: info for info in self.call("getAllProcessInfo")}

    def launch(self, configuration: Path, record: Path, environment: dict[str, str], log: Path) -> None:
        """Start supervisord in a session of its own, so that it outlives the terminal; wait until it answers."""
        supervisord = [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)]
        with log.open("ab") as output:
            started = subprocess.Popen(
                ["/bin/sh", str(RECORDED), str(record), *supervisord],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd="/",
                start_new_session=True,
            )
        deadline = time.monotonic() + 30
        while not self.answers():
            if started.poll() is not None or time.monotonic() > deadline:
                raise SetError(_("The supervisor did not start; see %(log)s.", log=log))
            time.sleep(0.05)

    def take_over(self, *, patience: float) -> list[str]:
        """Read the configuration anew; stop and replace what changed; return the names of what was replaced."""
        added, changed, removed = self.call("reloadConfig")[0]
        self.stop([*changed, *removed], patience=patience)
        for name in [*changed, *removed]:
            self.call("removeProcessGroup", name)
        for name in [*added, *changed]:
            self.call("addProcessGroup", name)
        return [*changed]

    def start(self, names: Iterable[str]) -> None:
        """Start the programs that do not run; whether they come up is read back later."""
        for name in names:
            self.call("startProcess", name, NO_WAIT)

    def stop(self, names: Collection[str], *, patience: float) -> None:
        """Stop programs together and wait until they have gone (supervisord kills those that do not)."""
        for name in names:
            self.call("stopProcess", name, NO_WAIT)
        deadline = time.monotonic() + patience
        while [name for name, info in self.states().items() if name in names and info["pid"]]:
            if time.monotonic() > deadline:
                raise SetError(_("These programs do not end: %(names)s.", names=", ".join(names)))
            time.sleep(0.05)

    def end(self) -> None:
        """End supervisord itself, and wait until it has gone; its programs should have been stopped before."""
        descriptor = os.pidfd_open(self.call("getPID"))
        try:
            self.call("shutdown")
            if not select.select([descriptor], [], [], SHUTDOWN)[0]:
                raise SetError(_("The supervisor does not end."))
        finally:
            os.close(descriptor)
