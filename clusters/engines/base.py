"""What the portal asks of an engine: the port behind which local processes, Cluster API, BOSH or a simulation stand.

An engine is level-triggered: it is told what is wanted, takes the next short step there, and reads back what is. It
keeps nothing in memory between calls, so that any worker may make the next call, and every method may be called again
after a crash at any point. It knows neither requests, nor the database, nor other engines.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from pks_portal.messages import Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A group of equal worker nodes. `memory_gib` in GiB; `taints` as Kubernetes writes them (key=value:Effect).

    `variables` are the pool's own (an engine takes what it knows: failure domain, worker class).
    """

    name: str
    nodes: int
    vcpu: int
    memory_gib: int
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[str] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom a cluster's API believes about people: an OpenID Connect issuer (https), for tokens made for `audience`.

    `authority` is the PEM of the certificates under which the issuer answers; empty: those that the system trusts.
    """

    issuer: str
    authority: str
    audience: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What a group of the issuer's may do in a cluster: level "view", "edit" or "admin"."""

    group: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A cluster as it should be.

    `id` names everything outside (directory, namespace, objects, processes), never the name, which two tenants may
    share. `namespace` is the tenant's own opaque name outside. `variables` are the plan's, `network` is the network
    profile; each engine takes what it knows (Cluster API maps variables to the ClusterClass's). `force`: the names of
    obstacles that a person has said to go past: what they protect on nodes that go is deleted, with its grace.
    `trust` and `grants`: whom its API believes, and what they may do; see Engine.follow.
    """

    id: UUID
    name: str
    namespace: str
    cloud: str
    version: str
    control_plane: int
    pools: Sequence[Pool]
    hostname: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    force: Collection[str] = ()
    trust: Trust | None = None
    grants: Sequence[Grant] = ()

    @property
    def nodes(self) -> int:
        return sum(pool.nodes for pool in self.pools)


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One step of a task as people see it; its text is the message "step.<name>". Weights are relative durations."""

    name: str
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One thing that is so or not, in the manner of Kubernetes; `name` is stable, `said` explains.

    `since`: from when on it has been so, where the engine can tell.
    """

    name: str
    ok: bool
    said: Said
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSeen:
    """A node as the cluster's own API shows it. `vcpu`, `memory_gib`: allocatable; requests: of its pods.

    What the engine cannot see is None, never a made-up zero. `pool` may be "" for a moment.
    """

    name: str
    pool: str
    ready: bool
    schedulable: bool
    version: str
    simulated: bool
    address: str = ""
    created: datetime | None = None
    pods: int | None = None
    vcpu: float | None = None
    memory_gib: float | None = None
    vcpu_requested: float | None = None
    memory_gib_requested: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """What stands in the way and needs a person after a while: PodDisruptionBudgets, by name as "namespace/name"."""

    said: Said
    names: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What is, read back from the cluster.

    `steps`: share done (0 to 1) of each step that the engine planned. `settled`: what is wanted is reached.
    `waiting`: what it waits for that is not its own work (binaries being built). `blocked`: what stands in the
    way until a person forces it, by a wish with its names.
    """

    exists: bool
    settled: bool = False
    steps: Mapping[str, float] = field(default_factory=dict)
    waiting: Said | None = None
    blocked: Obstacle | None = None
    nodes: Sequence[NodeSeen] = ()
    conditions: Sequence[Condition] = ()
    endpoint: str = ""
    authority: str = ""
    version: str = ""
    healthy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a change would do.

    `nodes_added`, `nodes_removed`: names, as far as they are known before. Memory in GiB is what the host must still
    have for it; None: not the host's matter.
    """

    steps: Sequence[StepSpec]
    nodes_added: Sequence[str] = ()
    nodes_removed: Sequence[str] = ()
    memory_needed_gib: float | None = None
    memory_free_gib: float | None = None
    refusal: Said | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """How far a removal is: `steps` as in Observed, `left` what is still there and why."""

    done: bool
    steps: Mapping[str, float] = field(default_factory=dict)
    left: Sequence[Said] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A kubeconfig for one holder: `kubeconfig` is the whole YAML text (secret), `name` what revoke() needs."""

    name: str
    kubeconfig: str
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an engine can do here. `notes` say why something is not possible on this machine."""

    simulated_control_plane: bool
    simulated_nodes: bool
    control_planes: Sequence[int] = (1,)
    network_isolated: bool = False
    credentials: bool = True
    notes: Sequence[Said] = ()


class Engine(ABC):
    """A way to run clusters.

    Every method raises Unavailable when the same call may succeed later, and another PortalError when it never will.
    """

    kind: ClassVar[str]

    @abstractmethod
    def capabilities(self) -> Capabilities:
        """Say what is possible here."""

    @abstractmethod
    def steps(self, change: str) -> Sequence[StepSpec]:
        """Return the planned steps of "create", "scale" or "delete", in order."""

    @abstractmethod
    def preview(self, current: Wanted | None, wanted: Wanted) -> Preview:
        """Say what a change would do, without doing any of it; `current` is None for a new cluster."""

    @abstractmethod
    def begin(self, wanted: Wanted) -> None:
        """Make the one mark that a cluster is wanted, and nothing else; the caller holds its lock.

        Instant, and harmless where the mark is. Only this may bring a cluster into being: a worker that lost its turn
        may still be in apply() when everything of the cluster has been removed.
        """

    @abstractmethod
    def apply(self, wanted: Wanted) -> None:
        """Take the next short step towards what is wanted; return at once.

        Do nothing where nothing is to do, nor for a cluster that was not begun or is gone.
        """

    @abstractmethod
    def observe(self, wanted: Wanted) -> Observed:
        """Read back how far the cluster is."""

    def memory(self, cluster_id: UUID) -> int | None:
        """Return the MiB that a cluster's control plane takes on this host now; None where nobody can tell."""
        return None

    @abstractmethod
    def remove(self, cluster_id: UUID) -> Removal:
        """Take the next short step of removing everything of a cluster, also of one half made; say what is left."""

    @abstractmethod
    def credentials(self, wanted: Wanted, *, holder: str, level: str, ttl: timedelta, name: str = "") -> Credential:
        """Issue a kubeconfig for a holder (a login name) at level "view", "edit" or "admin".

        `name`: what revoke() will need, 16 hexadecimal digits that nothing else had, for who must know it before there
        is anything to revoke; empty: one that the engine chooses.
        """

    def follow(self, wanted: Wanted) -> bool:
        """Take the next short step towards `wanted.trust` and `wanted.grants`; say whether all of it is in force.

        What is taken away goes before what is given. Nothing else of the cluster is touched, and no process that
        serves its API is stopped. Engines without an API of their own have nothing to do.
        """
        return True

    def identify(self, wanted: Wanted, token: str) -> str | None:
        """Return as whom the cluster's API knows the bearer of a token; None while it believes none of it."""
        return None

    @abstractmethod
    def revoke(self, cluster_id: UUID, name: str) -> None:
        """Take the rights of an issued credential away; nothing happens if it or its cluster is gone."""
