"""Bring the default set up, or up to date: each step does nothing where nothing is to do, so a second run is cheap."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from pks_portal.default_set import configuration, directory, health, issuer, management, registry
from pks_portal.default_set.people import PASSWORD, SHOWN
from pks_portal.default_set.place import Place, guard, write
from pks_portal.default_set.ports import assign, is_free
from pks_portal.default_set.processes import end, recorded
from pks_portal.default_set.programs import END_ORDER, PORTAL, SERVICES, programs, supervisor_configuration
from pks_portal.default_set.supervisor import Supervisor
from pks_portal.default_set.words import SetError, _

PATIENCE: Final = 60.0  # seconds for the whole portal to come up


@dataclass
class Stages:
    """Times of the steps, told when all is done, in the columns of deploy/bootstrap."""

    times: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.times[name] = time.monotonic() - began

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.times.items())
        return f"start  {sum(self.times.values()):6.1f} s  {parts}"


def start(place: Place) -> None:
    """Start the default set, or take over what changed where it already runs; raises SetError."""
    guard(place)
    place.prepare()
    stages, binaries = Stages(), management.ask_for_binaries(place)
    with place.lock():
        supervisor = Supervisor(place.socket())
        was_up = supervisor.answers()
        if not was_up:
            end_orphans(place)
        _check_port(place, supervisor if was_up else None)
        replaced = _bring_up(place, supervisor, stages)
    print(f"{'build':<17}{management.answer(binaries)}\n{stages}\n")
    _tell(place, was_up=was_up, replaced=replaced)


def end_orphans(place: Place) -> None:
    """End what a killed supervisor left running, in order, so that nothing runs twice."""
    for name in END_ORDER:
        if process := recorded(place.run / "pids", name):
            print(_("Ending %(name)s (process %(pid)s), left by a supervisor that died.", name=name, pid=process.pid))
            end(process, patience=5)


def _check_port(place: Place, supervisor: Supervisor | None) -> None:
    ours = False
    if supervisor and (web := supervisor.states().get("web")):
        known = read_environment(place)
        ours = bool(web["pid"]) and (known.get("PKS_HOST"), known.get("PKS_PORT")) == (place.host, str(place.port))
    if not ours and not is_free(place.host, place.port):
        raise SetError(
            _(
                "Port %(port)s on %(host)s is taken by another program; choose one: PKS_PORT=%(other)s make run",
                port=place.port,
                host=place.host,
                other=place.port + 1,
            )
        )


def _bring_up(place: Place, supervisor: Supervisor, stages: Stages) -> list[str]:
    """Write what is to be read, start in order; return the names of programs that had to be replaced."""
    was_up = supervisor.answers()
    with stages(_("keys")):
        known = configuration.make_secrets(place)
        running = {name for name, info in supervisor.states().items() if info["pid"]} if was_up else set[str]()
        ours = {"redis", "issuer", "registry"} & running | ({"ldap", "ldaps"} if "directory" in running else set())
        ports = assign(place, ours=ours)
        environment = configuration.portal_environment(place, ports, known)
    with stages(_("supervisor")):
        replaced = _configure(place, supervisor, ports, known, environment)
    with stages(_("directory, Redis and registry")):
        directory.build(place)
        supervisor.start(SERVICES)
        deadline = time.monotonic() + PATIENCE
        health.wait_for_redis(place, ports["redis"], deadline)
        health.wait_for_registry(place, ports["registry"], deadline)
        directory.wait(place, ports["ldaps"], deadline)
        directory.seed(place, ports["ldaps"], known)
    with stages(_("database")):
        if not running.difference(replaced).issuperset(PORTAL):
            management.prepare(place, environment)
    with stages(_("portal")):
        supervisor.start(PORTAL)
        health.wait_for_portal(place, supervisor, time.monotonic() + PATIENCE)
    return replaced


def _configure(
    place: Place,
    supervisor: Supervisor,
    ports: Mapping[str, int],
    known: Mapping[str, str],
    environment: dict[str, str],
) -> list[str]:
    (place.run / "pids").mkdir(exist_ok=True)
    slapd = directory.configure(place, known["directory-admin-password"])
    redis = configuration.redis_configuration(place, ports["redis"], known["redis-password"])
    issuing = issuer.configure(place, ports["issuer"])
    storing = registry.configure(place, ports["registry"], known["registry-secret"], environment["PKS_PUBLIC_URL"])
    digests = {
        "directory": configuration.fingerprint(slapd, place.data / "directory" / "tls" / "server.pem"),
        "redis": configuration.fingerprint(redis),
        "registry": configuration.fingerprint(storing, place.data / "issuer" / "ca.pem"),
        "portal": configuration.tree_fingerprint(place.checkout),
        "issuer": configuration.fingerprint(*issuing),
    }
    every = programs(place, ports, digests)
    file = place.run / "supervisord.conf"
    write(file, supervisor_configuration(place, supervisor.path, every, environment))
    if supervisor.answers():
        return supervisor.take_over(patience=30)
    log = place.log / "supervisor.log"
    supervisor.launch(file, place.run / "pids" / "supervisor", configuration.base_environment(), log)
    return []


def read_environment(place: Place) -> dict[str, str]:
    """Return the settings with which the set was last started; empty before the first start."""
    if not place.environment_file.exists():
        return {}
    return dict(line.split("=", 1) for line in place.environment_file.read_text().splitlines())


def _tell(place: Place, *, was_up: bool, replaced: list[str]) -> None:
    if not was_up:
        print(_("PKS Portal runs at %(url)s", url=place.public_url))
    elif replaced:
        names = ", ".join(sorted(replaced))
        print(
            _("PKS Portal was running at %(url)s; restarted with changes: %(names)s", url=place.public_url, names=names)
        )
    else:
        print(_("PKS Portal is already running at %(url)s", url=place.public_url))
    print("\n" + _("Demo accounts, all with the password %(password)s:", password=PASSWORD))
    for uid, where, role in SHOWN:
        print(f"  {uid:<10} {where:<9} {role}")
    print("\n" + _("Logs: %(path)s (make logs); state: make status; end: make stop", path=place.log))
