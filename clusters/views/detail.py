"""One cluster's page: what runs in it, who holds access, its tasks, its trail, the same in commands."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from clusters import fleet, recipes, versions, wallet
from clusters.browsing import Row
from clusters.forms import labels_text
from clusters.models import Cluster, StateInterval
from clusters.views import entering, offering
from clusters.views.wallet import of_rows
from pks_portal.operations.models import Operation
from pks_portal.operations.views import task_context
from tenants import quotas
from tenants.access import Decision, may
from tenants.http import UserHttpRequest
from tenants.models import AuditEntry, User

TABS = ("overview", "access", "tasks", "audit", "code")
LATEST = 50
STILL_SHOWN = 300  # seconds for which a finished task stays on top


@login_required
@require_safe
@vary_on_headers("HX-Request")
def cluster_detail(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Show one cluster; of one that was deleted, what became of it."""
    rows = Cluster.objects.visible_to(request.user, "cluster.view")
    cluster = rows.select_related("tenant", "plan", "cloud", "created_by").filter(pk=pk).first()
    return show(request, cluster) if cluster else _gone(request, pk)


def show(request: UserHttpRequest, cluster: Cluster, *, status: int = 200, **extra: Any) -> HttpResponse:
    """Render the page; `extra` carries a refused form back into it."""
    tab = request.GET.get("tab", "overview")
    user = request.user
    context = {
        "cluster": cluster,
        "row": Row(cluster, None),
        "tab": tab if tab in TABS else "overview",
        "refresh": f"{reverse('clusters:detail', args=[cluster.pk])}?tab={tab if tab in TABS else TABS[0]}",
        "allowed": _allowed(user, cluster),
        **offering.choices(user, [cluster]),
        "capabilities": fleet.engine_of(cluster.cloud).capabilities(),
        "labels_text": labels_text(cluster.labels),
        "task_count": _tasks(cluster, user).count(),
        "key": str(uuid4()),
        "goes": what_goes(cluster),
    }
    context["kubeconfig_count"] = len(context["goes"]["kubeconfigs"])
    context |= entering.context(user, cluster, context["tab"])
    context |= _card(user, cluster) | _of_tab(user, cluster, context["tab"]) | extra
    fragment = "HX-Request" in request.headers
    return render(request, "clusters/_detail.html" if fragment else "clusters/detail.html", context, status=status)


def what_goes(cluster: Cluster) -> dict[str, Any]:
    """Return what deleting the cluster would take away, as last observed."""
    kubeconfigs = [row for row in cluster.kubeconfigs.select_related("holder") if row.live]
    pods = [node["pods"] for node in cluster.nodes_seen]
    return {
        "nodes": cluster.nodes,
        "pods": None if None in pods else sum(pods),
        "kubeconfigs": kubeconfigs,
        "holders": sorted({row.holder.label for row in kubeconfigs}),
        "running": Operation.objects.filter(subject_id=cluster.pk, status__in=Operation.UNFINISHED).first(),
    }


def _allowed(user: User, cluster: Cluster) -> dict[str, Decision]:
    actions = ("scale", "label", "delete")
    return {action: may(user, f"cluster.{action}", cluster.tenant) for action in actions} | {
        "cancel": may(user, "task.cancel", cluster.tenant),
        "revoke": may(user, "kubeconfig.revoke", cluster.tenant),
    }


def _tasks(cluster: Cluster, user: User) -> Any:
    return Operation.objects.visible_to(user, "task.view").filter(subject_id=cluster.pk)


def _card(user: User, cluster: Cluster) -> dict[str, Any]:
    """Return the task on top of the page: the one at work, or the last for a while after it, or while it explains."""
    rows = _tasks(cluster, user).select_related("tenant", "actor")
    task = rows.filter(status__in=Operation.ACTIVE).first() or rows.first()
    if task is None:
        return {"task": None}
    fresh = task.ended_at and (timezone.now() - task.ended_at).total_seconds() < STILL_SHOWN
    explains = task.status != Operation.Status.SUCCEEDED and cluster.status in {"failed", "degraded"}
    return task_context(user, task) if not task.ended or fresh or explains else {"task": None}


def _of_tab(user: User, cluster: Cluster, tab: str) -> dict[str, Any]:
    if tab == "access":
        rows = wallet.visible_to(user).filter(cluster=cluster).order_by("-created_at", "pk")
        return {"rows": rows[:LATEST], "sees_others": may(user, "kubeconfig.list", cluster.tenant), **of_rows(user)}
    if tab == "tasks":
        return {"tasks": _tasks(cluster, user).select_related("tenant", "actor").prefetch_related("steps")[:LATEST]}
    if tab == "audit":
        return {"task_ids": _tasks(cluster, user).values_list("pk", flat=True)}
    if tab == "code":
        return {"recipes": recipes.of_cluster(cluster)}
    return {
        "version": versions.info(cluster.version, timezone.localdate()),
        "quota": {line.kind: line for line in quotas.lines(cluster.tenant)},
    }


def _gone(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Show what became of a deleted cluster to those who may see its tasks; to others it never was."""
    tasks = Operation.objects.visible_to(request.user, "task.view").filter(subject_id=pk, subject_type="cluster")
    if not (deletion := tasks.filter(kind="cluster.delete").select_related("tenant", "actor").first()):
        raise Http404
    context = {
        "deletion": deletion,
        "tasks": tasks.select_related("tenant", "actor").prefetch_related("steps"),
        "audit_count": AuditEntry.objects.filter(subject_id=str(pk)).count(),
        "interval_count": StateInterval.objects.filter(cluster=pk).count(),
        **task_context(request.user, deletion),
    }
    fragment = "HX-Request" in request.headers
    return render(request, "clusters/_gone.html" if fragment else "clusters/gone.html", context, status=410)
