"""The first page: how the clusters are, what is going on, what was done, and how much of the quota is left."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from clusters.browsing import may_create
from clusters.models import Cluster, NodePool
from pks_portal.operations.models import Operation
from pks_portal.shell import Shell
from tenants import audit, quotas
from tenants.http import UserHttpRequest
from tenants.models import Tenant, User

SHOWN = 8
QUOTAS_SHOWN = 4
RECENT = timedelta(days=1)
Status = Cluster.Status


@dataclass(frozen=True, slots=True)
class Health:
    """Counts of the clusters in view, and of their worker nodes."""

    clusters: int
    running: int
    attention: int
    changing: int
    nodes: int
    nodes_ready: int


@login_required
@require_safe
@vary_on_headers("HX-Request")
def dashboard(request: UserHttpRequest) -> HttpResponse:
    """Show what the person may see, of the chosen tenant or of all; the feed reads the changing part again."""
    template = "dashboard/_live.html" if "HX-Request" in request.headers else "dashboard/page.html"
    return render(request, template, _facts(request.user, Shell(request)))


def _facts(user: User, shell: Shell) -> dict[str, Any]:
    clusters: QuerySet[Cluster] = Cluster.objects.visible_to(user, "cluster.view")
    tasks: QuerySet[Operation] = Operation.objects.visible_to(user, "task.view").select_related("tenant", "actor")
    entries = audit.visible(user)
    if shell.tenant:
        clusters, tasks = clusters.filter(tenant=shell.tenant), tasks.filter(tenant=shell.tenant)
        entries = entries.filter(tenant=shell.tenant)
    return {
        "health": _health(clusters),
        "tasks": tasks.filter(status__in=Operation.UNFINISHED).prefetch_related("steps")[:SHOWN],
        "running_count": tasks.filter(status__in=Operation.UNFINISHED).count(),
        "failed_count": tasks.filter(status="failed", ended_at__gte=timezone.now() - RECENT).count(),
        "entries": entries[:SHOWN],
        "quotas": _quotas(_tenants(user, shell)),
        "create": may_create(user, shell.tenant),
    }


def _health(clusters: "QuerySet[Cluster]") -> Health:
    counts = clusters.aggregate(
        total=Count("pk"),
        running=Count("pk", filter=Q(status=Status.RUNNING)),
        attention=Count("pk", filter=Q(status__in=[Status.DEGRADED, Status.FAILED])),
        ready=Sum("nodes_ready"),
    )
    wanted = NodePool.objects.filter(cluster__in=clusters).aggregate(nodes=Sum("nodes"))["nodes"] or 0
    return Health(
        clusters=counts["total"],
        running=counts["running"],
        attention=counts["attention"],
        changing=counts["total"] - counts["running"] - counts["attention"],
        nodes=wanted,
        nodes_ready=counts["ready"] or 0,
    )


def _quotas(tenants: list[Tenant]) -> list[tuple[Tenant, list[quotas.Line]]]:
    lines = quotas.lines_of(tenants)
    return [(tenant, lines[tenant.pk]) for tenant in tenants]


def _tenants(user: User, shell: Shell) -> list[Tenant]:
    """Return the tenants whose quota is shown: the chosen one, or the first few of which one is a member."""
    if shell.tenant:
        return [shell.tenant]
    own = {membership.tenant_id for membership in user.memberships.all()}
    return [tenant for tenant in shell.tenants if not own or tenant.pk in own][:QUOTAS_SHOWN]
