"""Which clusters a list shows, in which order, with what is going on in each: one query per kind of fact."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.db.models import Count, Q, QuerySet, Sum, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from clusters.models import Cluster
from pks_portal.operations.models import Operation
from tenants.access import Decision, may, tenants_where
from tenants.models import Tenant, User

Status = Cluster.Status
STATES: dict[str, list[str]] = {
    "running": [Status.RUNNING],
    "busy": [Status.CREATING, Status.CHANGING, Status.DELETING],
    "attention": [Status.DEGRADED, Status.FAILED],
}
SORTS = {"name": "name", "status": "status", "version": "version", "nodes": "wanted_nodes", "created": "created_at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the URL asks for; anything unknown counts as not asked."""

    q: str = ""
    state: str = ""
    tenant: str = ""
    version: str = ""
    cloud: str = ""
    sort: str = "name"

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> Self:
        """Read the filters from a query."""
        wanted = {name: str(query.get(name, "")).strip()[:100] for name in ("q", "tenant", "version", "cloud")}
        state, sort = str(query.get("state", "")), str(query.get("sort", ""))
        known = sort.removeprefix("-") in SORTS
        return cls(**wanted, state=state if state in STATES else "", sort=sort if known else "name")

    @property
    def any(self) -> bool:
        """Whether something is filtered out, the tenant aside, which is chosen elsewhere."""
        return bool(self.q or self.state or self.version or self.cloud)

    def apart_from_state(self, rows: "QuerySet[Cluster]") -> "QuerySet[Cluster]":
        """Keep what matches; the state is left for the counts of each."""
        exact = {"tenant__slug": self.tenant, "version": self.version, "cloud__slug": self.cloud}
        rows = rows.filter(**{lookup: value for lookup, value in exact.items() if value})
        return _searched(rows, self.q) if self.q else rows

    def applied(self, rows: "QuerySet[Cluster]") -> "QuerySet[Cluster]":
        """Keep what matches, in the order asked for."""
        rows = self.apart_from_state(rows)
        if self.state:
            rows = rows.filter(status__in=STATES[self.state])
        column = SORTS[self.sort.removeprefix("-")]
        rows = rows.annotate(wanted_nodes=Sum("pools__nodes")).select_related("tenant", "plan", "cloud")
        return rows.prefetch_related("pools").order_by(
            f"{'-' if self.sort.startswith('-') else ''}{column}", "name", "pk"
        )


def _searched(rows: "QuerySet[Cluster]", wanted: str) -> "QuerySet[Cluster]":
    """Find by a part of the name, by "key=value" of a label, or by a part of any label."""
    key, sign, value = wanted.partition("=")
    if sign:
        return rows.alias(label=Cast(KeyTextTransform(key, "labels"), TextField())).filter(label=value)
    by_label = Q(labels_text__icontains=wanted)
    return rows.alias(labels_text=Cast("labels", TextField())).filter(Q(name__icontains=wanted) | by_label)


@dataclass(frozen=True, slots=True)
class Row:
    """A cluster with its unfinished task, or the one that failed last where the cluster needs attention."""

    cluster: Cluster
    task: Operation | None

    @property
    def vcpu(self) -> tuple[float | None, float | None]:
        """Requested and allocatable vCPU of the nodes seen."""
        return self._total("vcpu_requested"), self._total("vcpu")

    @property
    def memory(self) -> tuple[float | None, float | None]:
        """Requested and allocatable GiB of the nodes seen."""
        return self._total("memory_gib_requested"), self._total("memory_gib")

    def _total(self, name: str) -> float | None:
        """Return the sum over the nodes seen; None where one of them does not tell."""
        values = [node.get(name) for node in self.cluster.nodes_seen]
        return None if None in values else float(sum(values))


def rows_of(clusters: Iterable[Cluster]) -> list[Row]:
    """Join clusters with the task that a list shows for each."""
    listed = list(clusters)
    tasks = latest_tasks(listed)
    return [Row(cluster, tasks.get(cluster.pk)) for cluster in listed]


def latest_tasks(clusters: Iterable[Cluster]) -> dict[Any, Operation]:
    """Return by cluster id the task at work (before those queued behind it), or the failed one that explains it."""
    rows = Operation.objects.filter(subject_id__in=[cluster.pk for cluster in clusters])
    shown = rows.filter(Q(status__in=Operation.UNFINISHED) | Q(status=Operation.Status.FAILED))
    found: dict[Any, Operation] = {}
    attention = {cluster.pk for cluster in clusters if cluster.status in STATES["attention"]}
    for task in shown.prefetch_related("steps").order_by("created_at"):
        if task.ended and task.subject_id not in attention:
            continue
        if task.status != Operation.Status.QUEUED or task.subject_id not in found or found[task.subject_id].ended:
            found[task.subject_id] = task
    return found


def counts(rows: "QuerySet[Cluster]") -> dict[str, int]:
    """Return how many clusters are in each state, and in all."""
    states = {name: Count("pk", filter=Q(status__in=values)) for name, values in STATES.items()}
    return rows.order_by().aggregate(all=Count("pk"), **states)


def may_create(user: User, tenant: Tenant | None) -> Decision:
    """Say whether the person may create clusters in a tenant, or in any when none is chosen."""
    if tenant is None and tenants_where(user, "cluster.create").exists():
        return Decision(allowed=True)
    return may(user, "cluster.create", tenant)
