"""The local engine with kwokctl's own command lines: only here, to tell what the product's safer ones cost.

etcd speaks plain HTTP; the controller manager, scheduler and kwok are administrators over one certificate; no service
account credentials, no certificates of their own for health, no rate limits of ours. What stays ours: the network
namespace, a user of its own, the supervisor, the front door, keys made anew, and that everything starts at once, for
which leader election must be off (kwokctl has it on, and starts one after the other: here it would cost two seconds).
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

from clusters.engines.base import Pool, Wanted
from clusters.engines.local import door, keeper, network, pki, programs
from clusters.engines.local.engine import LocalEngine
from clusters.engines.local.host import Host
from clusters.engines.local.layout import Facts, Layout
from clusters.engines.local.network import Network
from clusters.engines.local.programs import Program
from pks_portal import keys
from pks_portal.files import write
from tests.load.goal import PATIENCE
from tests.load.race import NODES, Sample

ADMIN = "pki/bench-admin"
OPEN = "--authorization-always-allow-paths=/healthz,/readyz,/livez,/metrics"
_configure, _programs_of = door.configure, programs.programs_of


class Alike:
    """An engine with a data directory of its own."""

    def __init__(self, scratch: Path, cache: Path, version: str) -> None:
        self._root, self._cache, self._version = scratch / "alike", cache, version
        self._engine = LocalEngine(root=self._root, cache=cache)

    def run(self) -> Sample:
        """Time one cluster from the first call of the engine until it is as wanted, then remove it."""
        pool = Pool(name="default", nodes=NODES, vcpu=2, memory_gib=4)
        wanted = Wanted(
            id=uuid4(), name="bench", namespace="bench", cloud="local",
            version=self._version, control_plane=1, pools=(pool,),
        )  # fmt: skip
        began = time.monotonic()
        try:
            with _kwokctl_flags():
                self._make(wanted, began)
            return {"seconds": round(time.monotonic() - began, 3)}
        finally:
            while not self._engine.remove(wanted.id).done:
                time.sleep(0.02)

    def end(self) -> None:
        """Leave nothing."""
        keeper.end_all(Host.at(self._root, self._cache))
        shutil.rmtree(self._root, ignore_errors=True)

    def _make(self, wanted: Wanted, began: float) -> None:
        self._engine.begin(wanted)
        while True:
            self._engine.apply(wanted)
            seen = self._engine.observe(wanted)
            if seen.settled:
                return
            if time.monotonic() - began > PATIENCE:
                raise TimeoutError(str([str(condition.said) for condition in seen.conditions]))
            time.sleep(0.02)


@contextmanager
def _kwokctl_flags() -> Iterator[None]:
    with patch.object(door, "configure", _plain_door), patch.object(programs, "programs_of", _as_kwokctl):
        yield


def _plain_door(layout: Layout, facts: Facts, net: Network) -> None:
    """Let the door ask etcd without TLS, and the others whatever certificate they made for themselves."""
    _configure(layout, facts, net)
    text = (layout.home / "haproxy.cfg").read_text()
    text = text.replace(" check-ssl verify required ca-file secrets/etcd-ca.crt crt secrets/etcd-health.pem", "")
    write(layout.home / "haproxy.cfg", text.replace("verify required ca-file secrets/ca.crt", "verify none"))


def _as_kwokctl(layout: Layout, facts: Facts, net: Network) -> list[Program]:
    """Return our programs with kwokctl's flags; addresses and ports stay ours."""
    _administrator(layout, facts, net)
    flags = {
        "etcd": _etcd(net),
        "kube-apiserver": _apiserver(net),
        "kube-controller-manager": _controller_manager(net),
        "kube-scheduler": _listening(net, network.SCHEDULER),
        "kwok": _kwok(net),
    }
    return [_with_flags(program, flags.get(program.component)) for program in _programs_of(layout, facts, net)]


def _with_flags(program: Program, flags: list[str] | None) -> Program:
    if flags is None:
        return program
    binary = f"bin/{program.component}"
    return replace(program, argv=(*program.argv[: program.argv.index(binary) + 1], *flags))


def _administrator(layout: Layout, facts: Facts, net: Network) -> None:
    issued = pki.Issued((layout.secrets / "admin.crt").read_bytes(), keys.read(layout.secrets / "admin.key"))
    server = f"https://{net.member(1)}:{network.API}"
    text = pki.kubeconfig(server, (layout.pki / "ca.crt").read_bytes(), "admin", issued)
    files: dict[str, bytes | str] = {"conf": text, "crt": issued.certificate, "key": issued.key}
    for end, data in files.items():
        write(layout.home / f"{ADMIN}.{end}", data, owner=facts.owner)


def _etcd(net: Network) -> list[str]:
    clients, peers = (f"http://{net.member(1)}:{port}" for port in (network.ETCD, network.ETCD_PEER))
    return [
        "--name=node0",
        "--auto-compaction-retention=1",
        "--quota-backend-bytes=8589934592",
        "--data-dir=etcd-1",
        f"--initial-advertise-peer-urls={peers}",
        f"--listen-peer-urls={peers}",
        f"--advertise-client-urls={clients}",
        f"--listen-client-urls={clients}",
        f"--initial-cluster=node0={peers}",
    ]


def _apiserver(net: Network) -> list[str]:
    return [
        "--etcd-prefix=/registry",
        "--allow-privileged=true",
        f"--etcd-servers=http://{net.member(1)}:{network.ETCD}",
        "--authorization-mode=Node,RBAC",
        f"--bind-address={net.member(1)}",
        f"--advertise-address={net.advertised(1)}",  # kwokctl's own listens everywhere and finds one
        f"--secure-port={network.API}",
        "--tls-cert-file=pki/apiserver.crt",
        "--tls-private-key-file=pki/apiserver.key",
        "--client-ca-file=pki/ca.crt",
        "--service-account-key-file=pki/service-account.pub",
        "--service-account-signing-key-file=pki/service-account.key",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--proxy-client-key-file={ADMIN}.key",
        f"--proxy-client-cert-file={ADMIN}.crt",
    ]


def _controller_manager(net: Network) -> list[str]:
    return [
        "--node-monitor-period=25s",
        "--node-monitor-grace-period=3m20s",
        *_listening(net, network.CONTROLLER_MANAGER),
        "--root-ca-file=pki/ca.crt",
        "--service-account-private-key-file=pki/service-account.key",
    ]


def _listening(net: Network, port: int) -> list[str]:
    listen = [f"--bind-address={net.member(1)}", f"--secure-port={port}"]
    return [f"--kubeconfig={ADMIN}.conf", OPEN, *listen, "--leader-elect=false"]


def _kwok(net: Network) -> list[str]:
    return [
        "--manage-all-nodes=true",
        f"--kubeconfig={ADMIN}.conf",
        "--config=kwok.yaml",
        f"--tls-cert-file={ADMIN}.crt",
        f"--tls-private-key-file={ADMIN}.key",
        "--node-name=localhost",
        f"--server-address={net.member(1)}:{network.SIMULATION}",
        "--node-lease-duration-seconds=200",
    ]
