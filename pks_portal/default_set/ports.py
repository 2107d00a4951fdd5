"""Loopback ports: found free, remembered, and found anew where a stranger has taken one meanwhile."""

import json
import os
import secrets
import socket
from collections.abc import Collection
from typing import Final

from pks_portal.default_set.place import Place, write
from pks_portal.default_set.words import SetError, _

NAMES: Final = ("redis", "ldap", "ldaps", "issuer", "registry")
ISSUER: Final = 8443
"""Taken where it is free at the first start, unless PKS_ISSUER_PORT says another; it stays, since clusters know it."""
FIRST, LAST = 17000, 27000  # below the range from which the kernel takes ports for outgoing connections


def is_free(host: str, port: int) -> bool:
    """Say whether one could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def assign(place: Place, *, ours: Collection[str]) -> dict[str, int]:
    """Return the port of each of NAMES, as remembered where that port is free or held by us (`ours`)."""
    file = place.run / "ports.json"
    known: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    ports: dict[str, int] = {}
    wished = os.environ.get("PKS_ISSUER_PORT", "")
    if wished.isdigit() or ("issuer" not in known and is_free("127.0.0.1", ISSUER)):
        known["issuer"] = int(wished or ISSUER)
    for name in NAMES:
        port = known.get(name, 0)
        if not port or not (name in ours or is_free("127.0.0.1", port)):
            port = _free_port({*known.values(), *ports.values()})
        ports[name] = port
    write(file, json.dumps(ports) + "\n")
    return ports


def _free_port(taken: Collection[int]) -> int:
    for _attempt in range(200):
        port = FIRST + secrets.randbelow(LAST - FIRST)
        if port not in taken and is_free("127.0.0.1", port):
            return port
    raise SetError(_("No free port found between %(first)s and %(last)s on 127.0.0.1.", first=FIRST, last=LAST))
