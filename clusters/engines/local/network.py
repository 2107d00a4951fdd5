"""The one module that knows addresses, doors and network namespaces.

Each cluster has a loopback /24 with standard ports: member m is 127.a.b.m, its front door 127.a.b.10. As root the
members live in a network namespace of their own, which has the same addresses on a loopback of its own: nothing that
a tenant makes its API server call (a webhook, a node proxy) can reach the host. Only the front door is on the host.
"""

import functools
import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from clusters.engines.local.layout import Facts
from pks_portal.errors import Unavailable

API = 6443
ETCD = 2379
ETCD_PEER = 2380
CONTROLLER_MANAGER = 10257
SCHEDULER = 10259
SIMULATION = 10247
SERVICES = "10.96.0.0/16"
FIRST_SERVICE = "10.96.0.1"
PODS = "10.244.0.0/16"
NAMESPACES = Path("/run/netns")
DOOR = 10
# From here on systemd and the usual tools give out no user ids, and no password file has any.
FIRST_OWNER = 1_900_000_000


@dataclass(frozen=True, slots=True)
class Network:
    """The addresses of one cluster; `namespace` is empty where it shares the host's network."""

    slot: int
    namespace: str = ""

    def member(self, number: int) -> str:
        """Return the address of control-plane member 1, 2 or 3."""
        return f"127.{64 + self.slot // 256}.{self.slot % 256}.{number}"

    @property
    def door(self) -> str:
        return self.member(DOOR)

    @property
    def endpoint(self) -> str:
        return f"https://{self.door}:{API}"

    def advertised(self, number: int) -> str:
        """Return what a member calls itself: Kubernetes refuses a loopback address there."""
        return f"198.{18 + self.slot // 256 % 2}.{self.slot % 256}.{number}"

    @property
    def inside(self) -> list[str]:
        """The words before a command that put it into the cluster's network."""
        return ["nsenter", f"--net={NAMESPACES / self.namespace}", "--"] if self.namespace else []

    def exists(self) -> bool:
        """Tell whether the namespace is there (always, where there is none)."""
        return not self.namespace or os.path.ismount(NAMESPACES / self.namespace)  # Path.is_mount: directories only

    def make(self, members: int) -> None:
        """Make the namespace with its loopback up, or what is missing of one that a crash left half made."""
        if not self.namespace:
            return
        if not self.exists():
            (NAMESPACES / self.namespace).unlink(missing_ok=True)  # left by a crash between making and mounting
            _ip("netns", "add", self.namespace)
        addresses = [f"addr replace {self.advertised(number)}/32 dev lo" for number in range(1, members + 1)]
        _ip("-n", self.namespace, "-batch", "-", script="\n".join(["link set lo up", *addresses]))

    def drop(self) -> None:
        """Remove the namespace; nothing happens where there is none."""
        if self.namespace and (NAMESPACES / self.namespace).exists():
            _ip("netns", "delete", self.namespace)


def namespace_of(cluster_id: UUID) -> str:
    """Return the name of a cluster's network namespace."""
    return f"pks-{cluster_id.hex}"


def network_of(facts: Facts) -> Network:
    """Return the network of a cluster that is settled."""
    return Network(facts.slot, namespace_of(UUID(facts.id)) if facts.isolated else "")


def owner_of(slot: int) -> int | None:
    """Return the numeric user of a cluster's processes; None where we are not root and all share our own."""
    return FIRST_OWNER + slot if os.geteuid() == 0 else None


def usable(slot: int) -> bool:
    """Tell whether nobody listens where the cluster's front door would be, nor runs as its user."""
    return listenable(Network(slot).door, API) and not _user_busy(owner_of(slot))


def listenable(address: str, port: int) -> bool:
    """Tell whether a listener could be opened at this address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


@functools.cache
def isolation() -> bool:
    """Find out by trying whether network namespaces can be made here (root is not enough in some sandboxes)."""
    if os.geteuid() != 0:
        return False
    trial = f"pks-trial-{os.getpid()}"
    try:
        _ip("netns", "add", trial)
        subprocess.run(["nsenter", f"--net={NAMESPACES / trial}", "true"], check=True, timeout=10, capture_output=True)
    except (Unavailable, OSError, subprocess.SubprocessError):
        return False
    finally:
        subprocess.run(["ip", "netns", "delete", trial], check=False, timeout=10, capture_output=True)
    return True


def _user_busy(owner: int | None) -> bool:
    if owner is None:
        return False
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == owner:
                return True
        except OSError:  # ended meanwhile
            continue
    return False


def _ip(*arguments: str, script: str | None = None) -> None:
    try:
        subprocess.run(["ip", *arguments], input=script, check=True, timeout=10, capture_output=True, text=True)
    except FileNotFoundError as missing:
        raise Unavailable("engine.tool_missing", system="iproute2", tool="ip") from missing
    except subprocess.TimeoutExpired as slow:
        raise Unavailable("engine.network_refused", system="iproute2", cause="timeout") from slow
    except subprocess.CalledProcessError as refused:
        raise Unavailable("engine.network_refused", system="iproute2", cause=refused.stderr.strip()) from refused
