"""The programs of the default set, and the supervisor's configuration that runs them."""

import os
import pwd
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pks_portal.default_set.place import Place

RECORDED: Final = Path(__file__).with_name("recorded.sh")
SERVICES: Final = ("directory", "redis", "registry")
PORTAL: Final = ("web", "worker", "beat", "cluster-supervisor", "issuer")
END_ORDER: Final = (
    "supervisor",
    "issuer",
    "web",
    "beat",
    "worker",
    "cluster-supervisor",
    "registry",
    "redis",
    "directory",
)
"""The order in which a set is ended: first what would start the others anew, last what the others need."""


@dataclass(frozen=True, slots=True)
class Program:
    """`configuration` is a digest of what the program reads at its start: another one means that it must restart."""

    name: str
    command: tuple[str, ...]
    configuration: str
    patience: int  # seconds between SIGTERM and SIGKILL


def programs(place: Place, ports: Mapping[str, int], digests: Mapping[str, str]) -> list[Program]:
    """Return every program; `digests` has one for "directory", "redis", "registry", "portal", "issuer"."""
    python, celery = sys.executable, (sys.executable, "-m", "celery", "-A", "pks_portal")
    directory = place.data / "directory"
    listen = f"ldap://127.0.0.1:{ports['ldap']} ldaps://127.0.0.1:{ports['ldaps']}"
    web = f"--host {place.host} --port {place.port} --workers 1 --ws websockets --lifespan off"
    web += " --http registry.gateway.server:Protocol"
    # compressing each message for each watcher costs more than the loopback or a proxy in front ever saves
    web += " --ws-per-message-deflate false"
    quiet = "--no-access-log --no-server-header --no-proxy-headers --timeout-graceful-shutdown 3"
    worker = "--pool threads --concurrency 16 --without-gossip --without-mingle --without-heartbeat --loglevel INFO"
    beat = ("--schedule", str(place.run / "beat-schedule"), "--pidfile", "", "--loglevel", "INFO")
    commands: dict[str, tuple[tuple[str, ...], str, int]] = {
        "directory": (("slapd", "-F", str(directory / "slapd.d"), "-h", listen, "-d", "none"), "directory", 5),
        "redis": (("redis-server", str(place.data / "redis" / "redis.conf")), "redis", 5),
        "registry": (("docker-registry", "serve", str(place.run / "registry.yml")), "registry", 10),
        "web": ((python, "-m", "uvicorn", "pks_portal.asgi:application", *f"{web} {quiet}".split()), "portal", 6),
        "worker": ((*celery, "worker", *worker.split()), "portal", 10),
        "beat": ((*celery, "beat", *beat), "portal", 5),
        "cluster-supervisor": ((python, "-m", "clusters.engines.local.keeper"), "portal", 10),
        "issuer": (("haproxy", "-db", "-f", str(place.run / "issuer.cfg")), "issuer", 5),
    }
    return [Program(name, command, digests[kind], patience) for name, (command, kind, patience) in commands.items()]


def supervisor_configuration(place: Place, socket: Path, every: list[Program], environment: Mapping[str, str]) -> str:
    """Return supervisord.conf. Nothing starts by itself: `start` starts what is needed, in order."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    sections = [
        _section("unix_http_server", file=socket, chmod="0700"),
        _section(
            "supervisord",
            logfile=place.log / "supervisor.log",
            logfile_maxbytes="5MB",
            logfile_backups=2,
            pidfile=place.run / "supervisor.pid",
            nodaemon="true",
            silent="true",
            minfds=1024,
            user=user,
            identifier="pks-portal",
        ),
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
        *(_program(place, program, {} if program.name in SERVICES else environment) for program in every),
    ]
    return "\n".join(sections)


def _program(place: Place, program: Program, environment: Mapping[str, str]) -> str:
    record = ["/bin/sh", str(RECORDED), str(place.run / "pids" / program.name)]
    own = {**environment, "PKS_CONFIGURATION": program.configuration}
    return _section(
        f"program:{program.name}",
        command=shlex.join([*record, *program.command]),
        environment=",".join(f'{name}="{value}"' for name, value in sorted(own.items())),
        directory=place.checkout,
        autostart="false",
        autorestart="true",
        startsecs=1,
        startretries=1_000_000,
        stopwaitsecs=program.patience,
        killasgroup="true",
        redirect_stderr="true",
        stdout_logfile=place.log / f"{program.name}.log",
        stdout_logfile_maxbytes="10MB",
        stdout_logfile_backups=2,
    )


def _section(name: str, **settings: object) -> str:
    """Return a section; a percent sign would be an expansion and is doubled."""
    lines = [f"{key} = {str(value).replace('%', '%%')}" for key, value in settings.items()]
    return "\n".join([f"[{name}]", *lines, ""])
