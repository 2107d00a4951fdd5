"""One of each thing, under ids known beforehand, so that generated requests can meet them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from clusters.models import Cluster, Kubeconfig
from pks_portal import sealed
from pks_portal.operations.models import Operation, OperationEvent, OperationStep
from tenants import tokens
from tenants.models import (
    ApiToken,
    Delivery,
    GroupMapping,
    QuotaRequest,
    QuotaRequestLine,
    Role,
    ServiceAccount,
    Tenant,
    User,
    Webhook,
)
from tests.factories import (
    CloudFactory,
    ClusterFactory,
    MembershipFactory,
    PlanFactory,
    PlatformGrantFactory,
    TenantFactory,
)

RUNNING, CREATING, FOREIGN, NOWHERE, WORK, FAILED, KUBECONFIG, TOKEN, WEBHOOK, DELIVERY = (
    str(UUID(f"00000000-0000-4000-8000-{number:012x}")) for number in range(10)
)
CLUSTERS = [RUNNING, CREATING, FOREIGN, NOWHERE]
REQUEST = str(UUID("00000000-0000-4000-8000-00000000000f"))
REQUESTS = [REQUEST, NOWHERE]
WEBHOOKS, DELIVERIES = [WEBHOOK, NOWHERE], [DELIVERY, NOWHERE]
TASKS = [WORK, FAILED, NOWHERE]
TENANTS = ["home", "away", "nobody"]
PLANS, CLOUDS, VERSIONS = ["small", "huge"], ["simulated", "mars"], ["1.37.2", "1.12.0"]
MEMBER = 900_001
"""The id of a role given by hand, of who has it, and of a mapped group."""
PEOPLE = ["viewer", "operator", "admin", "platform-admin", "foreign", "nobody"]


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
        role: MembershipFactory.create(tenant=home, role=role).user for role in (Role.VIEWER, Role.OPERATOR, Role.ADMIN)
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
    MembershipFactory.create(id=MEMBER, tenant=home, user__username="somebody", user__id=MEMBER)
    GroupMapping.objects.create(id=MEMBER, tenant=home, group_dn="cn=a,dc=b", role=Role.VIEWER)
    _webhook(home)
    asked = QuotaRequest.objects.create(id=REQUEST, tenant=home, requester=people["admin"], reason="launch")
    QuotaRequestLine.objects.create(request=asked, kind="nodes", asked=3)
    program = User.objects.create(username="home/ci", kind=User.Kind.SERVICE)
    ServiceAccount.objects.create(user=program, tenant=home, name="ci", made_by=people["admin"])
    ApiToken.objects.create(
        id=TOKEN, user=program, name="build", scopes=["read"], networks=["10.0.0.0/8"],
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


def _webhook(tenant: Tenant) -> None:
    """Make a webhook of the tenant, with a delivery that was refused."""
    row = Webhook(id=WEBHOOK, tenant=tenant, url="https://hook.example/x")
    sealed.put(row, "secret", "whsec_x")
    row.save()
    why = {"key": "error.delivery_refused", "args": {"status": 503}}
    Delivery.objects.create(
        id=DELIVERY, webhook=row, event=NOWHERE, kind="webhook.stopped", body="{}", status="failed", code=503, error=why
    )
