"""Read back whether what was started works: Redis answers, the web server says 200, or what its log says instead."""

import socket
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from pks_portal.default_set.place import Place
from pks_portal.default_set.supervisor import UP, Supervisor
from pks_portal.default_set.words import SetError, _

FAILED: Final = {"BACKOFF", "FATAL", "EXITED"}
GIVE_UP: Final = 15  # times in a row, a tenth of a second apart, that a program is seen to have failed


def wait_for_redis(place: Place, port: int, deadline: float) -> None:
    """Wait until Redis answers a PING, if only to say that it wants a password."""
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as link:
            link.sendall(b"PING\r\n")
            if link.recv(64).startswith((b"-NOAUTH", b"+PONG")):
                return
        if time.monotonic() > deadline:
            raise SetError(_("%(name)s does not answer; see %(log)s.", name="Redis", log=place.log / "redis.log"))
        time.sleep(0.05)


def wait_for_registry(place: Place, port: int, deadline: float) -> None:
    """Wait until the image registry answers, if only to say that it wants a token."""
    while True:
        with suppress(OSError, HTTPException):
            connection = HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/v2/")
            if connection.getresponse().status in {200, 401}:
                return
        if time.monotonic() > deadline:
            raise SetError(_("%(name)s does not answer; see %(log)s.", name="registry", log=place.log / "registry.log"))
        time.sleep(0.05)


def healthy(place: Place) -> bool:
    """Say whether /healthz answers 200 now."""
    connection = HTTPConnection(place.host, place.port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": place.public_url.removeprefix("http://")})
        return connection.getresponse().status == 200  # noqa: PLR2004  # HTTP's own number
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def wait_for_portal(place: Place, supervisor: Supervisor, deadline: float) -> None:
    """Wait until every program runs and pages work; raise SetError with the end of the log that says why not."""
    failures: dict[str, int] = {}
    while (late := _late(supervisor)) or not healthy(place):
        failures = {name: failures.get(name, 0) + 1 for name, state in late.items() if state in FAILED}
        hopeless = [name for name, count in failures.items() if count > GIVE_UP]
        if hopeless or time.monotonic() > deadline:
            log = place.log / f"{next(iter(hopeless or late), 'web')}.log"
            raise SetError(
                _("The portal does not come up at %(url)s; see %(log)s:", url=place.public_url, log=log)
                + "\n"
                + tail(log, 15)
            )
        time.sleep(0.1)


def _late(supervisor: Supervisor) -> dict[str, str]:
    """Return the state of each program that does not run (yet)."""
    return {name: info["statename"] for name, info in supervisor.states().items() if info["statename"] != UP}


def tail(log: Path, lines: int) -> str:
    """Return the last lines of a log, empty where there is none."""
    with suppress(OSError):
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    return ""
