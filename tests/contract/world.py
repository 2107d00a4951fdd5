"""One of each thing, under ids known beforehand, so that generated requests can meet them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from clusters.models import Cluster, Kubeconfig
from pks_portal.operations.models import Operation, OperationEvent, OperationStep
from tenants import tokens
from tenants.models import Role, User
from tests.factories import (
    CloudFactory,
    ClusterFactory,
    MembershipFactory,
    PlanFactory,
    PlatformGrantFactory,
    TenantFactory,
)

RUNNING, CREATING, FOREIGN, NOWHERE, WORK, FAILED, KUBECONFIG = (
    str(UUID(f"00000000-0000-4000-8000-{number:012x}")) for number in range(7)
)
CLUSTERS = [RUNNING, CREATING, FOREIGN, NOWHERE]
TASKS = [WORK, FAILED, NOWHERE]
TENANTS = ["home", "away", "nobody"]
PLANS, CLOUDS, VERSIONS = ["small", "huge"], ["simulated", "mars"], ["1.37.2", "1.12.0"]
PEOPLE = ["viewer", "operator", "platform-admin", "foreign", "nobody"]


@dataclass(frozen=True)
class World:
    tokens: dict[str, str]

    def headers(self, person: str) -> dict[str, str]:
        """Return what a person's program sends; of nobody, nothing."""
        return {"Authorization": f"Bearer {self.tokens[person]}"} if person in self.tokens else {}


def make() -> World:
    """Make two tenants, with clusters, tasks and a kubeconfig in the first, and sign everybody in."""
    home, away = TenantFactory.create(slug="home"), TenantFactory.create(slug="away")
    people: dict[str, User] = {
        role: MembershipFactory.create(tenant=home, role=role).user for role in (Role.VIEWER, Role.OPERATOR)
    }
    people["platform-admin"] = PlatformGrantFactory.create().user
    people["foreign"] = MembershipFactory.create(tenant=away).user
    CloudFactory.create(), PlanFactory.create()
    running = ClusterFactory.create(id=RUNNING, tenant=home, name="runs", labels={"env": "dev"}, nodes_seen=[NODE])
    creating = ClusterFactory.create(id=CREATING, tenant=home, name="comes", status=Cluster.Status.CREATING)
    ClusterFactory.create(id=FOREIGN, tenant=away, name="theirs")
    Kubeconfig.objects.create(
        id=KUBECONFIG, cluster=running, holder=people["operator"], name="k", level="edit",
        expires_at=datetime(2099, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    _task(WORK, creating, "cluster.create", people["operator"], status="running")
    _task(
        FAILED, running, "cluster.scale", people["operator"], status="failed", error_key="error.directory_unavailable"
    )
    return World({name: tokens.start(user, "pks_cli").access for name, user in people.items()})


NODE = {
    "name": "runs-default-1", "pool": "default", "ready": True, "schedulable": True, "version": "1.37.2",
    "simulated": True, "created": "2026-01-01T00:00:00Z", "pods": 1, "vcpu": 2.0, "memory_gib": 4.0,
    "vcpu_requested": 0.1, "memory_gib_requested": None,
}  # fmt: skip


def _task(pk: str, cluster: Cluster, kind: str, actor: User, **facts: str) -> None:
    task = Operation.objects.create(
        id=pk, tenant=cluster.tenant, actor=actor, actor_name=actor.username, kind=kind, subject_type="cluster",
        subject_id=cluster.pk, subject_name=cluster.name, wanted={"nodes": 3, "before": 2}, last_seq=1, **facts,
    )  # fmt: skip
    OperationStep.objects.create(operation=task, index=0, name="nodes", state="running", share=0.5)
    OperationEvent.objects.create(operation=task, seq=1, key="event.queued", args={"actor": actor.username})
