"""What systemd does with the portal's units, as far as a test without systemd can: their commands as they stand."""

import pwd
import re
import resource
import shlex
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from pks_portal.paths import CHECKOUT

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def parse(file: Path) -> dict[str, list[str]]:
    """Return "Section.Key" → its values in order; an empty value takes back those before it, as in systemd."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in file.read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and line[0] not in "#;":
            name, _, value = line.partition("=")
            found.setdefault(f"{section}.{name}", []).append(value)
    return found


@dataclass
class Units:
    """The units in a directory; `log` is where each one's output goes."""

    directory: Path
    log: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    enabled: list[str] = field(default_factory=list)

    def obey(self, line: str) -> None:
        """Do what a line "systemctl …" says."""
        program, verb, *names = line.split()
        assert program == "systemctl", line
        if verb == "daemon-reload":
            return
        now = "--now" in names
        names = [name if "." in name else f"{name}.service" for name in names if name != "--now"]
        for name in names:
            assert (self.directory / name).exists(), f"there is no unit {name}"
        if verb == "enable":
            self.enabled += names
            names, verb = (names if now else []), "start"
        {"start": self.start, "stop": self.stop, "restart": self.restart}[verb](names)

    def start(self, names: list[str]) -> None:
        for name in self._in_order(names):
            if name.endswith(".service") and name not in self.running:
                self._start(name)

    def stop(self, names: list[str]) -> None:
        for name in reversed(self._in_order(names)):
            if process := self.running.pop(name, None):
                patience = parse(self.directory / name)["Service.TimeoutStopSec"][-1]
                process.send_signal(signal.SIGTERM)
                assert process.wait(int(patience)) is not None

    def restart(self, names: list[str]) -> None:
        self.stop(names)
        self.start(names)

    def alive(self) -> None:
        """Fail where a service has ended by itself."""
        for name, process in self.running.items():
            assert process.poll() is None, f"{name} ended:\n{self.said(name)}"

    def log_of(self, name: str) -> str:
        return (self.log / f"{name}.log").read_text()

    def said(self, name: str) -> str:
        return self.log_of(name)[-4000:]

    def report(self) -> str:
        """Return the end of what each unit said, and whether it still runs."""
        parts = []
        for file in sorted(self.log.iterdir()):
            process = self.running.get(file.stem)
            state = "ended" if process is None else f"status {process.poll()}"
            parts.append(f"--- {file.stem} ({state})\n{self.said(file.stem)[-2500:]}")
        return "\n".join(parts)

    def _in_order(self, names: list[str]) -> list[str]:
        """Return services, those of a target in its place, each after what it names in After=."""
        wanted = [one for one in self.enabled if "pks-portal.target" in names and self._part(one)]
        wanted += [name for name in names if name not in wanted and not name.endswith((".target", ".timer"))]
        after = {one: set(shlex.split(" ".join(parse(self.directory / one).get("Unit.After", [])))) for one in wanted}
        done: list[str] = []
        while wanted:
            ready = [one for one in wanted if not after[one] & {other for other in wanted if other != one}]
            assert ready, f"units wait for each other: {wanted}"
            done += ready
            wanted = [one for one in wanted if one not in ready]
        return done

    def _part(self, name: str) -> bool:
        return "pks-portal.target" in parse(self.directory / name).get("Unit.PartOf", [])

    def _start(self, name: str) -> None:
        unit = parse(self.directory / name)
        commands = [*unit.get("Service.ExecStartPre", []), unit["Service.ExecStart"][-1]]
        once = unit.get("Service.Type") == ["oneshot"]
        for number, command in enumerate(commands):
            process = self._run(name, unit, command)
            if once or number < len(commands) - 1:
                assert process.wait(120) == 0, f"{name}: {command}\n{self.said(name)}"
            else:
                self.running[name] = process

    def _run(self, name: str, unit: dict[str, list[str]], command: str) -> subprocess.Popen[bytes]:
        environment = self._environment(unit)
        words = [_expanded(word, environment) for word in shlex.split(command)]
        with (self.log / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*_limits(unit), *_rights(unit), "--", *words],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=unit.get("Service.WorkingDirectory", ["/"])[-1], umask=int(unit["Service.UMask"][-1], 8),
                start_new_session=True,
            )  # fmt: skip

    def _environment(self, unit: dict[str, list[str]]) -> dict[str, str]:
        """Return nothing of the test's own: a service has what its unit names."""
        home = pwd.getpwnam(unit["Service.User"][-1]).pw_dir
        found = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": home}
        for file in unit.get("Service.EnvironmentFile", []):
            for line in Path(file).read_text().splitlines():
                if line and not line.startswith("#"):
                    key, _, value = line.partition("=")
                    found[key] = value.removeprefix('"').removesuffix('"')
        return found | dict(line.split("=", 1) for line in unit.get("Service.Environment", []))


def _expanded(word: str, environment: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda found: environment[found[1]], word).replace("%%", "%")


def _limits(unit: dict[str, list[str]]) -> list[str]:
    """Return the words that set the unit's limits, as far as this machine lets a test go."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    given = [min(int(limit), most) for limit in unit.get("Service.LimitNOFILE", [])]
    return ["prlimit", *(f"--nofile={limit}" for limit in given)] if given else []


def _rights(unit: dict[str, list[str]]) -> list[str]:
    """Return the words before a command that give it the unit's user and capabilities, and no more."""
    words = ["setpriv"]
    user = pwd.getpwnam(unit["Service.User"][-1])
    if user.pw_uid != 0:
        words += ["--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--init-groups"]
    assert unit["Service.NoNewPrivileges"] == ["yes"]
    bounds = _capabilities(unit, "CapabilityBoundingSet")
    ambient = _capabilities(unit, "AmbientCapabilities")
    return [*words, "--no-new-privs", f"--inh-caps={ambient}", f"--ambient-caps={ambient}", f"--bounding-set={bounds}"]


def _capabilities(unit: dict[str, list[str]], name: str) -> str:
    given = " ".join(unit.get(f"Service.{name}", [])).lower().split()
    return ",".join(["-all", *(f"+{one.removeprefix('cap_')}" for one in given)])


def lend_venv(place: Path, person: str) -> None:
    """Copy what is installed; where its Python lies in somebody's home, the machine's own of that version runs it."""
    subprocess.run(["cp", "-a", "--reflink=auto", str(CHECKOUT / ".venv"), str(place)], check=True)
    home = Path(sys.executable).resolve().parent
    if subprocess.run(["runuser", "-u", person, "--", "test", "-x", home / "python3"], check=False).returncode != 0:
        own = Path(f"/usr/bin/python3.{sys.version_info.minor}")
        (place / "bin/python3").unlink()
        (place / "bin/python3").symlink_to(own)
        settings = place / "pyvenv.cfg"
        settings.write_text(settings.read_text().replace(f"home = {home}", f"home = {own.parent}"))
