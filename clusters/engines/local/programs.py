"""The command line of every process of a cluster.

All start at once and retry by themselves: waiting for one another costs more than it saves. What looks odd here was
measured or fallen into: without skip-lookup the controller manager exits when it is faster than the first roles;
without its own rate limit it needs five seconds more to make the service accounts; without send-retry-after an open
watch holds an ending API server for a minute.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from clusters.engines.local import network
from clusters.engines.local.layout import Facts, Layout
from clusters.engines.local.network import Network
from pks_portal.errors import Unavailable

COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok")
SIMULATED = "pks-portal.io/simulated"
# The order in which a cluster is stopped: nobody loses a server that it still writes to.
STOP_ORDER = ("kwok", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd", "haproxy")


@dataclass(frozen=True, slots=True)
class Program:
    """One process to be kept running. `group` is added to the supervisor as one; smaller `priority` starts first."""

    component: str
    group: str
    name: str
    argv: tuple[str, ...]
    home: Path
    priority: int
    patience: int = 15  # seconds between SIGTERM and SIGKILL

    @property
    def mark(self) -> str:
        """What is in the environment of the process, so that it is recognised without any table of pids."""
        return f"{self.home}/{self.name}"


def groups_of(layout: Layout, members: int) -> list[str]:
    """Return the names of a cluster's groups in the order in which they are started."""
    return [*(f"{layout.id}-m{number}" for number in range(1, members + 1)), f"{layout.id}-door", f"{layout.id}-nodes"]


def programs_of(layout: Layout, facts: Facts, net: Network) -> list[Program]:
    """Return all programs of a cluster."""
    found = [_haproxy(layout, facts, net), _kwok(layout, facts, net)]
    for number in range(1, facts.members + 1):
        member = _Member(layout, facts, net, number)
        found += [member.etcd(), member.apiserver(), member.controller_manager(), member.scheduler()]
    return sorted(found, key=lambda program: program.priority)


def tool(name: str) -> str:
    """Return the path of a program of the operating system. Raises Unavailable when it is not installed."""
    if found := shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"):
        return found
    raise Unavailable("engine.tool_missing", system=name, tool=name)


def _contained(facts: Facts, net: Network, argv: list[str], *, dies_with_supervisor: bool) -> tuple[str, ...]:
    """Put a command into the cluster's network and under the cluster's user, without any right to gain more.

    What has no state and does harm in two copies dies with the supervisor; what serves goes on serving.
    """
    words = ["setpriv"]
    if facts.owner is not None:
        user = str(facts.owner)
        words += ["--reuid", user, "--regid", user, "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"]
    words += ["--no-new-privs", *(["--pdeathsig", "KILL"] if dies_with_supervisor else []), "--"]
    return (*net.inside, *words, *argv)


def _haproxy(layout: Layout, facts: Facts, net: Network) -> Program:
    """Of root's rights the door keeps the one with which it enters the cluster's network, where there is one."""
    words = ["setpriv", "--no-new-privs"]
    if facts.owner is not None:
        kept = "-all,+sys_admin" if net.namespace else "-all"
        words += ["--clear-groups", "--inh-caps=-all", f"--bounding-set={kept}"]
    argv = (*words, "--", tool("haproxy"), "-db", "-f", "haproxy.cfg")
    return Program("haproxy", f"{layout.id}-door", "haproxy", argv, layout.home, 25)


def _kwok(layout: Layout, facts: Facts, net: Network) -> Program:
    argv = [
        "bin/kwok",
        "--kubeconfig=pki/simulation.conf",
        f"--manage-nodes-with-label-selector={SIMULATED}=true",
        "--node-lease-duration-seconds=40",
        "--config=kwok.yaml",
        f"--server-address={net.member(1)}:{network.SIMULATION}",
    ]
    command = _contained(facts, net, argv, dies_with_supervisor=True)
    return Program("kwok", f"{layout.id}-nodes", "kwok", command, layout.home, 40)


@dataclass(frozen=True, slots=True)
class _Member:
    """One control-plane member."""

    layout: Layout
    facts: Facts
    net: Network
    number: int

    @property
    def _address(self) -> str:
        return self.net.member(self.number)

    @property
    def _many(self) -> bool:
        return self.facts.members > 1

    def _program(self, argv: list[str], priority: int, *, patience: int = 15, stateless: bool = False) -> Program:
        component = Path(argv[0]).name
        command = _contained(self.facts, self.net, argv, dies_with_supervisor=stateless)
        group, name = f"{self.layout.id}-m{self.number}", f"{component}-{self.number}"
        return Program(component, group, name, command, self.layout.home, priority, patience)

    def _urls(self, port: int) -> dict[int, str]:
        return {n: f"https://{self.net.member(n)}:{port}" for n in range(1, self.facts.members + 1)}

    def etcd(self) -> Program:
        clients, peers = self._urls(network.ETCD), self._urls(network.ETCD_PEER)
        here, certificate = self.number, f"pki/etcd-{self.number}"
        argv = [
            "bin/etcd",
            f"--name=m{here}",
            f"--data-dir=etcd-{here}",
            f"--listen-client-urls={clients[here]}",
            f"--advertise-client-urls={clients[here]}",
            f"--listen-peer-urls={peers[here]}",
            f"--initial-advertise-peer-urls={peers[here]}",
            "--initial-cluster=" + ",".join(f"m{n}={url}" for n, url in peers.items()),
            "--initial-cluster-state=new",
            f"--initial-cluster-token={self.layout.id}",
            "--client-cert-auth=true",
            "--trusted-ca-file=pki/etcd-ca.crt",
            f"--cert-file={certificate}.crt",
            f"--key-file={certificate}.key",
            "--peer-client-cert-auth=true",
            "--peer-trusted-ca-file=pki/etcd-ca.crt",
            f"--peer-cert-file={certificate}.crt",
            f"--peer-key-file={certificate}.key",
            "--auto-compaction-mode=periodic",
            "--auto-compaction-retention=10m",
            "--log-level=warn",
        ]
        return self._program(argv, 10)

    def apiserver(self) -> Program:
        own_first = sorted(self._urls(network.ETCD).items(), key=lambda item: item[0] != self.number)
        argv = [
            "bin/kube-apiserver",
            f"--bind-address={self._address}",
            f"--secure-port={network.API}",
            f"--advertise-address={self.net.advertised(self.number)}",
            "--etcd-servers=" + ",".join(url for _, url in own_first),
            "--etcd-cafile=pki/etcd-ca.crt",
            "--etcd-certfile=pki/etcd-client.crt",
            "--etcd-keyfile=pki/etcd-client.key",
            "--tls-cert-file=pki/apiserver.crt",
            "--tls-private-key-file=pki/apiserver.key",
            "--client-ca-file=pki/ca.crt",
            "--authentication-config=authentication.json",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            "--kubelet-client-certificate=pki/kubelet-client.crt",
            "--kubelet-client-key=pki/kubelet-client.key",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-key-file=pki/service-account.pub",
            "--service-account-signing-key-file=pki/service-account.key",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-cluster-ip-range={network.SERVICES}",
            "--requestheader-client-ca-file=pki/front-proxy-ca.crt",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--proxy-client-cert-file=pki/front-proxy-client.crt",
            "--proxy-client-key-file=pki/front-proxy-client.key",
            "--profiling=false",
            "--shutdown-send-retry-after=true",
            *(["--shutdown-delay-duration=3s", "--goaway-chance=0.001"] if self._many else []),
        ]
        return self._program(argv, 20, patience=30)

    def controller_manager(self) -> Program:
        argv = [
            "bin/kube-controller-manager",
            *self._common("controller-manager", network.CONTROLLER_MANAGER),
            "--use-service-account-credentials=true",
            "--root-ca-file=pki/ca.crt",
            "--service-account-private-key-file=pki/service-account.key",
            "--cluster-signing-cert-file=pki/ca.crt",
            "--cluster-signing-key-file=pki/ca.key",
            "--controllers=*,bootstrapsigner,tokencleaner",
            f"--service-cluster-ip-range={network.SERVICES}",
        ]
        return self._program(argv, 30, stateless=True)

    def scheduler(self) -> Program:
        argv = ["bin/kube-scheduler", *self._common("scheduler", network.SCHEDULER)]
        return self._program(argv, 30, stateless=True)

    def _common(self, part: str, port: int) -> list[str]:
        """What the controller manager and the scheduler share; they talk to their own member's API server."""
        files = f"pki/{part}-{self.number}"
        return [
            f"--bind-address={self._address}",
            f"--secure-port={port}",
            f"--tls-cert-file={files}.crt",
            f"--tls-private-key-file={files}.key",
            f"--kubeconfig={files}.conf",
            f"--authentication-kubeconfig={files}.conf",
            f"--authorization-kubeconfig={files}.conf",
            "--authentication-skip-lookup=true",
            "--client-ca-file=pki/ca.crt",
            "--requestheader-client-ca-file=pki/front-proxy-ca.crt",
            "--kube-api-qps=300",
            "--kube-api-burst=600",
            "--profiling=false",
            f"--leader-elect={'true' if self._many else 'false'}",
            *(self._lease() if self._many else []),
        ]

    def _lease(self) -> list[str]:
        """A successor takes over in 7 s instead of 18 s."""
        times = (("lease-duration", "6s"), ("renew-deadline", "4s"), ("retry-period", "1s"))
        return [f"--leader-elect-{name}={value}" for name, value in times]
