"""The supervisor of all clusters' processes: supervisord behind a small interface, spoken to over a unix socket.

It is apart from the portal's own supervisor, so that clusters go on while the portal is stopped. Its configuration is
derived: each cluster's file can be written again from what lies in the cluster's directory.
"""

import hashlib
import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

from clusters.engines.local import processes
from clusters.engines.local.claims import default_host, make_private
from clusters.engines.local.layout import make_directory
from clusters.engines.local.programs import Program, tool
from pks_portal import supervisord
from pks_portal.errors import Unavailable
from pks_portal.files import write
from pks_portal.supervisord import ALREADY_ADDED, ALREADY_STARTED, NO_WAIT, NOT_RUNNING, RUNNING

TIMEOUT = 5.0
LONGEST_SOCKET = 100  # the kernel takes 107 bytes, supervisord adds a pid while it makes one
BAD_NAME, STILL_RUNNING = 10, 91

_MAIN = """\
[unix_http_server]
file={socket}
chmod=0700
[supervisord]
logfile={home}/supervisord.log
logfile_maxbytes=10MB
logfile_backups=3
pidfile={home}/supervisord.pid
childlogdir={home}
nodaemon=true
silent=true
minfds=1024
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[include]
files={home}/conf.d/*.conf
"""
# PWD: Go makes paths absolute with it, and this one is open to a process wherever its directory lies.
_PROGRAM = """\
[program:{name}]
command={command}
directory={home}
environment={mark_name}="{mark}",PWD="/proc/self/cwd"
priority={priority}
autostart=true
autorestart=true
startsecs=1
startretries=1000000
stopwaitsecs={patience}
killasgroup=true
redirect_stderr=true
stdout_logfile={home}/log/{log}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2

"""


class Supervisor:
    """The clusters' supervisor under a data directory. Calls raise Unavailable when it does not answer."""

    def __init__(self, root: Path, host: Path | None = None) -> None:
        self.home = root / "run" / "clusters"
        short = (host or default_host()) / f"{hashlib.sha256(str(root).encode()).hexdigest()[:16]}.sock"
        usual = self.home / "supervisor.sock"
        self._socket = usual if len(str(usual)) <= LONGEST_SOCKET else short

    @property
    def mark(self) -> str:
        """What is in the environment of the supervisor itself."""
        return f"{self.home}/supervisord"

    def alive(self) -> bool:
        """Tell whether it answers."""
        try:
            return bool(self._call("getState")["statename"] == RUNNING)
        except Unavailable:
            return False

    def spawn(self) -> None:
        """Start it, detached from the caller and with an environment of its own; returns before it answers."""
        for directory in (self.home, self.home / "conf.d"):
            make_directory(directory, mode=0o700)
        make_private(self._socket.parent)
        write(self.home / "supervisord.conf", _escaped(_MAIN.format(home=self.home, socket=self._socket)))
        command = [tool("setsid"), "--fork", sys.executable, "-m", "supervisor.supervisord", "-c", "supervisord.conf"]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", processes.MARK: self.mark}
        with (
            (self.home / "output.log").open("ab") as log,
            Popen(command, cwd=self.home, env=environment, stdin=DEVNULL, stdout=log, stderr=log) as starter,
        ):
            starter.wait(TIMEOUT)

    def configure(self, cluster: str, programs: Iterable[Program]) -> None:
        """Write what is to run for a cluster; it takes effect with `add`, or when the supervisor starts."""
        make_directory(self.home / "conf.d", mode=0o700)
        write(self._path(cluster), _render(programs))

    def forget(self, cluster: str) -> None:
        """Remove a cluster's configuration, so that nothing of it is started again."""
        self._path(cluster).unlink(missing_ok=True)

    def add(self, groups: Sequence[str]) -> None:
        """Start groups that are configured; those that are started already stay as they are."""
        self._call("reloadConfig")
        for group in groups:
            self._call("addProcessGroup", group, harmless=(ALREADY_ADDED,))
        self.alive()  # wakes its loop, which would otherwise start them within a second

    def states(self, prefix: str) -> dict[str, str]:
        """Return "group:program" → state in supervisord's words, of the groups whose name begins with this."""
        found = self._call("getAllProcessInfo")
        return {f"{one['group']}:{one['name']}": one["statename"] for one in found if one["group"].startswith(prefix)}

    def started(self, prefix: str) -> dict[str, datetime]:
        """Return program → when it was last started, of the running ones in groups whose name begins with this.

        A program is named as in its `Program`: "etcd-1", "haproxy".
        """
        found = self._call("getAllProcessInfo")
        return {
            str(one["name"]).removeprefix(f"{one['group']}-"): datetime.fromtimestamp(one["start"], UTC)
            for one in found
            if one["group"].startswith(prefix) and one["statename"] == RUNNING
        }

    def start(self, program: str) -> None:
        """Start "group:program" now, without waiting for its next turn."""
        self._call("startProcess", program, NO_WAIT, harmless=(ALREADY_STARTED,))

    def stop(self, program: str) -> None:
        """Ask "group:program" to end and do not start it again; returns at once."""
        self._call("stopProcess", program, NO_WAIT, harmless=(NOT_RUNNING, BAD_NAME))

    def drop(self, group: str) -> bool:
        """Forget a group whose programs have ended; False while one has not."""
        answer = self._call("removeProcessGroup", group, harmless=(BAD_NAME, STILL_RUNNING))
        return bool(answer != STILL_RUNNING)

    def tidy(self) -> None:
        """Remove the socket that a killed supervisor left, which may lie outside the data directory."""
        self._socket.unlink(missing_ok=True)

    def _path(self, cluster: str) -> Path:
        return self.home / "conf.d" / f"{cluster}.conf"

    def _call(self, method: str, *arguments: Any, harmless: Sequence[int] = ()) -> Any:
        try:
            return supervisord.call(self._socket, method, *arguments, timeout=TIMEOUT)
        except supervisord.Fault as fault:
            if fault.faultCode in harmless:
                return fault.faultCode
            raise Unavailable("engine.supervisor", system="supervisord", cause=fault.faultString) from fault
        except supervisord.Silent as silent:
            raise Unavailable("engine.supervisor", system="supervisord", cause=str(silent)) from silent


def _render(programs: Iterable[Program]) -> str:
    sections: list[str] = []
    members: dict[str, list[str]] = {}
    for program in programs:
        name = f"{program.group}-{program.name}"
        members.setdefault(program.group, []).append(name)
        sections.append(
            _PROGRAM.format(
                name=name,
                command=_escaped(shlex.join(program.argv)),
                home=_escaped(str(program.home)),
                mark_name=processes.MARK,
                mark=_escaped(program.mark),
                priority=program.priority,
                patience=program.patience,
                log=program.name,
            )
        )
    sections += [f"[group:{group}]\nprograms={','.join(names)}\n" for group, names in members.items()]
    return "".join(sections)


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
