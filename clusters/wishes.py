"""What a person may wish for a cluster, and what is possible by itself, before quota and capacity are asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import uuid4

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from clusters.engines.local import binaries
from clusters.models import Cloud, Cluster, NodePool, Plan
from pks_portal import text
from pks_portal.errors import Invalid
from tenants.models import Tenant, User

LABELS_ALLOWED = 32
LABEL_LENGTH = 63  # Kubernetes' own
HOSTNAME_LENGTH = 253
hostname = RegexValidator(
    rf"^(?=.{{1,{HOSTNAME_LENGTH}}}\Z)([a-z0-9]([-a-z0-9]{{0,61}}[a-z0-9])?\.)*[a-z]([-a-z0-9]{{0,61}}[a-z0-9])?\Z",
    _("Use a DNS name in lower case, such as api.pay.example; no scheme, port or IP address."),
    code="hostname",
)
"""An RFC 1123 name; its last part begins with a letter, as every top-level domain does, so no IP address passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCluster:
    """What a form or the API asks for."""

    name: str
    plan: Plan
    nodes: int
    version: str
    cloud: Cloud
    external_hostname: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def built(actor: User, tenant: Tenant, wish: NewCluster) -> tuple[Cluster, NodePool]:
    """Make the unsaved rows of a wish that is possible by itself."""
    check_nodes(wish.plan, wish.nodes)
    check_labels(wish.labels)
    if not wish.plan.offered:
        raise plan_unknown(wish.plan.slug)
    if wish.version not in binaries.offered():
        offered = ", ".join(binaries.offered())
        raise Invalid("error.version_unknown", field="version", version=wish.version, offered=offered)
    if not wish.cloud.enabled:
        raise cloud_unknown(wish.cloud.slug)
    cluster = Cluster(
        id=uuid4(),
        tenant=tenant,
        name=wish.name,
        cloud=wish.cloud,
        plan=wish.plan,
        version=wish.version,
        control_plane=wish.plan.control_plane,
        external_hostname=wish.external_hostname,
        labels=dict(wish.labels),
        created_by=actor,
    )
    return cluster, NodePool(cluster=cluster, nodes=wish.nodes, vcpu=wish.plan.vcpu, memory_gib=wish.plan.memory_gib)


def check_nodes(plan: Plan, nodes: int) -> None:
    """Raise Invalid unless the plan allows that many worker nodes."""
    if not plan.min_nodes <= nodes <= plan.max_nodes:
        raise Invalid(
            "error.nodes_bounds", field="nodes",
            nodes=nodes, least=plan.min_nodes, most=plan.max_nodes, plan=plan.slug,
        )  # fmt: skip


def plan_unknown(slug: str) -> Invalid:
    """Return the refusal of a plan that is not on offer, with those that are."""
    offered = ", ".join(Plan.objects.filter(offered=True).values_list("slug", flat=True))
    return Invalid("error.plan_unknown", field="plan", plan=slug, offered=offered)


def cloud_unknown(slug: str) -> Invalid:
    """Return the refusal of a cloud that may not be used, with those that may."""
    offered = ", ".join(Cloud.objects.filter(enabled=True).values_list("slug", flat=True))
    return Invalid("error.cloud_unknown", field="cloud", cloud=slug, offered=offered)


def check_labels(labels: Mapping[str, str]) -> None:
    """Raise Invalid unless there are few labels with short keys and values that can be written key=value."""
    if len(labels) > LABELS_ALLOWED:
        raise Invalid("error.labels_many", field="labels", most=LABELS_ALLOWED)
    for key, value in labels.items():
        unfit = {"=", ","} & {*key, *value} or text.impossible([key, value])
        if not key or max(len(key), len(value)) > LABEL_LENGTH or unfit:
            raise Invalid("error.label_wrong", field="labels", label=f"{key}={value}"[:80])


FIXED = {"clusters": 1}
"""What a cluster reserves of the tenant's quota whatever its size."""


def per_node(pool: NodePool) -> dict[str, int]:
    """What each worker node of a pool reserves of the tenant's quota."""
    return {"nodes": 1, "vcpu": pool.vcpu, "memory_gib": pool.memory_gib}


def amounts(pool: NodePool) -> dict[str, int]:
    """What a cluster with this one pool reserves of the tenant's quota."""
    return FIXED | {kind: pool.nodes * each for kind, each in per_node(pool).items()}
