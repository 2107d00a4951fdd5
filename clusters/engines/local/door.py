"""The front door of a cluster: haproxy on the host's loopback, with backends inside the cluster's network.

It also looks after the health of each part, where the portal itself cannot reach (inside the namespace), so that one
question over its socket tells how the whole cluster is.
"""

import csv
import io
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from clusters.engines.local import network, trust
from clusters.engines.local.layout import Facts, Layout
from clusters.engines.local.network import Network
from pks_portal.files import write

TIMEOUT = 2.0
# A part that is down is asked often, so that a new cluster is not called ready later than it is.
_CHECK = "check inter 2s fastinter 200ms downinter 100ms rise 1 fall 2"
_HEAD = """\
global
  maxconn 1000
  nbthread 1
  stats socket unix@door.sock mode 600 level admin
defaults
  mode tcp
  timeout connect 1s
  timeout client 1h
  timeout server 1h
  timeout check 2s
  option redispatch 1
  retries {retries}
  option clitcpka
  option srvtcpka
frontend door
  bind {door}:{port}
{inside}  default_backend members
backend members
  balance leastconn
{members}
"""
_ISSUER = """\
frontend issuer
  bind 127.0.0.1:{port} namespace {namespace}
  default_backend portal
backend portal
  server issuer 127.0.0.1:{port}
"""
_PROBE = """\
backend {component}
  option httpchk
  http-check send meth GET uri {path} ver HTTP/1.1 hdr Host kubernetes
  http-check expect status 200
{servers}
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the door last saw of one part: `words` are haproxy's, such as "L4CON Connection refused"."""

    component: str
    member: int
    ok: bool
    words: str


def configure(layout: Layout, facts: Facts, net: Network) -> None:
    """Write the configuration of the front door."""
    within = f" namespace {net.namespace}" if net.namespace else ""
    numbers = range(1, facts.members + 1)
    checked = "check-ssl verify required ca-file secrets/ca.crt"
    etcd = "check-ssl verify required ca-file secrets/etcd-ca.crt crt secrets/etcd-health.pem"

    def servers(port: int, check: str) -> str:
        lines = (f"  server m{n} {net.member(n)}:{port}{within} {check.replace('<n>', str(n))}" for n in numbers)
        return "\n".join(lines)

    def probe(component: str, port: int, path: str, secure: str) -> str:
        return _PROBE.format(component=component, path=path, servers=servers(port, f"{_CHECK} {secure}"))

    text = _HEAD.format(
        door=net.door,
        port=network.API,
        # haproxy waits a second before it tries the same server again: without another, refuse at once.
        retries=3 if facts.members > 1 else 0,
        # With several members the processes inside come through the door as well.
        inside=f"  bind {net.door}:{network.API}{within}\n" if within and facts.members > 1 else "",
        # A single member is asked at once: there is no other to wait for, and a new cluster answers earlier.
        members=servers(network.API, "track kube-apiserver/m<n>" if facts.members > 1 else ""),
    )
    if net.namespace and (issuer := trust.port(layout)):
        text += _ISSUER.format(port=issuer, namespace=net.namespace)
    text += probe("kube-apiserver", network.API, "/readyz", checked)
    text += probe("etcd", network.ETCD, "/health", etcd)
    text += probe("kube-controller-manager", network.CONTROLLER_MANAGER, "/healthz", checked)
    text += probe("kube-scheduler", network.SCHEDULER, "/healthz", checked)
    simulation = f"  server m1 {net.member(1)}:{network.SIMULATION}{within} {_CHECK}"
    text += _PROBE.format(component="kwok", path="/healthz", servers=simulation)
    if not (file := layout.home / "haproxy.cfg").exists() or file.read_text() != text:
        write(file, text)


def probes(layout: Layout) -> list[Probe] | None:
    """Return what the door sees of each part, or None when the door itself does not answer."""
    try:
        text = _ask(layout, "show stat -1 4 -1")
    except OSError:
        return None
    rows = csv.DictReader(io.StringIO(text.removeprefix("# ")))
    return [_probe(row) for row in rows if row["pxname"] not in {"members", "portal"}]


def answering(found: Sequence[Probe]) -> bool:
    """Tell whether an API server answers requests, if only to refuse: one that starts keeps callers waiting."""
    return any(probe.component == "kube-apiserver" and probe.words.startswith("L7") for probe in found)


def _probe(row: dict[str, str]) -> Probe:
    # Before the first answer haproxy calls a server UP; only an answer that was seen counts.
    ok = row["status"].startswith("UP") and row["check_status"].lstrip("* ") in {"L7OK", "L7OKC"}
    words = " ".join(filter(None, [row["check_status"].lstrip("* "), row.get("last_chk") or ""]))
    return Probe(row["pxname"], int(row["svname"].removeprefix("m")), ok, words)


def _ask(layout: Layout, command: str) -> str:
    """Ask over the socket, named through its directory because a socket's own path may be 107 bytes only."""
    directory = os.open(layout.home, os.O_PATH | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(TIMEOUT)
            connection.connect(f"/proc/self/fd/{directory}/door.sock")
            connection.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    finally:
        os.close(directory)
