"""What runs, read back from the supervisor and the kernel; and the logs."""

import json
import subprocess
from contextlib import suppress
from datetime import timedelta
from typing import Any

from pks_portal.default_set.health import healthy
from pks_portal.default_set.place import Place
from pks_portal.default_set.processes import age, memory
from pks_portal.default_set.start import read_environment
from pks_portal.default_set.supervisor import UP, Supervisor
from pks_portal.default_set.words import SetError, _
from pks_portal.logs import readable


def read(place: Place) -> dict[str, Any]:
    """Return {"url", "healthy", "data", "clusters", "programs": [{name, state, pid, uptime_seconds, memory_bytes}]}."""
    supervisor = Supervisor(place.socket()) if place.run.exists() else None
    programs = _programs(supervisor) if supervisor and supervisor.answers() else []
    known = read_environment(place)
    return {
        "url": known.get("PKS_PUBLIC_URL", ""),
        "healthy": bool(programs) and healthy(_started(place, known)),
        "data": str(place.data),
        "clusters": len(place.live_clusters()),
        "programs": programs,
    }


def _started(place: Place, known: dict[str, str]) -> Place:
    return Place(place.data, place.cache, known["PKS_HOST"], int(known["PKS_PORT"]))


def _programs(supervisor: Supervisor) -> list[dict[str, Any]]:
    own = {"name": "supervisor", "statename": UP, "pid": supervisor.call("getPID")}
    return [
        {
            "name": info["name"],
            "state": info["statename"].lower(),
            "pid": info["pid"],
            "uptime_seconds": age(info["pid"]),
            "memory_bytes": memory(info["pid"]),
        }
        for info in (*supervisor.states().values(), own)
    ]


def status(place: Place, *, as_json: bool) -> int:
    """Print what runs; return 0 when all does and pages work, 1 otherwise."""
    seen = read(place)
    if as_json:
        print(json.dumps(seen, indent=2))
    elif not seen["programs"]:
        print(_("PKS Portal is not running."))
    else:
        _print(seen)
    return 0 if seen["healthy"] and all(program["state"] == "running" for program in seen["programs"]) else 1


def _print(seen: dict[str, Any]) -> None:
    titles = (_("program"), _("state"), _("process"), _("age"), _("memory"))
    print("{:<20}{:<10}{:>9}{:>18}{:>12}".format(*titles))
    for program in seen["programs"]:
        age, memory_mb = timedelta(seconds=program["uptime_seconds"]), program["memory_bytes"] / 1e6
        print(f"{program['name']:<20}{program['state']:<10}{program['pid']:>9}{age!s:>18}{memory_mb:>9.0f} MB")
    total = sum(program["memory_bytes"] for program in seen["programs"]) / 1e6
    print("\n" + _("Memory of all: %(total).0f MB · clusters on disk: %(count)s", total=total, count=seen["clusters"]))
    if seen["healthy"]:
        print(_("PKS Portal runs at %(url)s", url=seen["url"]))
    else:
        print(_("The portal does not answer at %(url)s/healthz; make logs says why.", url=seen["url"]))


def logs(place: Place, name: str | None, *, follow: bool) -> None:
    """Print the ends of all logs or of that of one program, in words."""
    files = sorted(place.log.glob(f"{name or '*'}.log"))
    if not files:
        raise SetError(_("There is no log %(name)s in %(path)s.", name=name or "", path=place.log))
    how = ["-n", "40", "-F"] if follow else ["-n", "40"]
    with (
        suppress(KeyboardInterrupt, BrokenPipeError),
        subprocess.Popen(["tail", *how, *map(str, files)], stdout=subprocess.PIPE, text=True, errors="replace") as tail,
    ):
        for line in tail.stdout or ():
            print(readable(line), flush=True)
