"""What the platform does for the images' storage: free what nothing needs, compare it with what the portal knows."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Sum
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from pks_portal.errors import PortalError
from pks_portal.operations.models import Operation
from registry import shelf
from registry.models import Artifact, Blob, Collection
from registry.upkeep import collecting, reconciling
from tenants.access import may, require
from tenants.http import UserHttpRequest

LATEST = 20
BRAKE = "error.reconcile_brake"


@login_required
@require_safe
def show(request: UserHttpRequest) -> HttpResponse:
    """Show what the images take, and the last collections and comparisons."""
    require(request.user, "registry_platform.view", None)
    return _page(request)


def _page(request: UserHttpRequest, *, status: int = 200, **extra: Any) -> HttpResponse:
    compared = Operation.objects.filter(kind=reconciling.KIND).select_related("actor").order_by("-created_at")
    rows = list(compared[:LATEST])
    context = {
        "manage": may(request.user, "registry_platform.manage", None), "place": shelf.place(),
        "artifacts": Artifact.objects.count(), "bytes": Blob.objects.aggregate(all=Sum("size"))["all"] or 0,
        "collections": Collection.objects.select_related("asked_by")[:LATEST], "comparisons": rows,
        "braked": bool(rows) and rows[0].status == Operation.Status.FAILED and rows[0].error_key == BRAKE,
        "going": list(Operation.objects.filter(
            kind__in=(collecting.KIND, reconciling.KIND), status__in=Operation.UNFINISHED
        )), **extra,
    }  # fmt: skip
    return render(request, "registry/storage.html", context, status=status)


@login_required
@require_POST
def collect(request: UserHttpRequest) -> HttpResponse:
    """Free what no artifact needs any more, or say how much that would be; its task is shown."""
    require(request.user, "registry_platform.manage", None)
    try:
        row = collecting.ask(request.user, dry_run=request.POST.get("do") != "collect")
    except PortalError as error:
        return _page(request, status=error.status, refusal=error)
    return redirect("operations:detail", row.task)


@login_required
@require_POST
def reconcile(request: UserHttpRequest) -> HttpResponse:
    """Compare rows with the registry and repair what differs; its task is shown."""
    require(request.user, "registry_platform.manage", None)
    try:
        task = reconciling.ask(request.user, forced=request.POST.get("do") == "force")
    except PortalError as error:
        return _page(request, status=error.status, refusal=error)
    return redirect("operations:detail", task.pk)
