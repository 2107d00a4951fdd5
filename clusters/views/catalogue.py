"""What is on offer: plans, and Kubernetes versions with what is known of their support."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from clusters import preparing, versions, warm
from clusters.browsing import may_create
from clusters.engines.local import binaries
from clusters.models import Cluster, Plan
from pks_portal.operations.models import Operation
from tenants.access import may, require
from tenants.http import UserHttpRequest


@login_required
@require_safe
def plan_list(request: UserHttpRequest) -> HttpResponse:
    """List the plans."""
    context = {"plans": Plan.objects.filter(offered=True), "create": may_create(request.user, None)}
    return render(request, "clusters/plans.html", context)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def version_list(request: UserHttpRequest) -> HttpResponse:
    """List the offered versions: support, patch currency, and whether their programs are on this machine."""
    used = Cluster.objects.visible_to(request.user, "cluster.view").order_by().values_list("version")
    used_by = dict(used.annotate(number=Count("pk")))
    prepare = may(request.user, "version.prepare", None)
    pool = warm.pool() if prepare else {}
    context = {
        "versions": [
            {**_version(request, version, used_by), "spare": pool.get(version)} for version in binaries.offered()
        ],
        "prepare": prepare,
    }
    fragment = "HX-Request" in request.headers
    return render(request, "clusters/_versions.html" if fragment else "clusters/versions.html", context)


@login_required
@require_POST
def version_prepare(request: UserHttpRequest, version: str) -> HttpResponse:
    """Make a version's programs on this machine, before the first cluster asks for them."""
    if version not in binaries.offered():
        raise Http404
    require(request.user, "version.prepare", None)
    operation = preparing.ensure(version, request.user)
    return redirect("operations:detail", operation.pk) if operation else redirect("clusters:versions")


def _version(request: UserHttpRequest, version: str, used_by: dict[str, int]) -> dict[str, Any]:
    tasks = Operation.objects.visible_to(request.user, "task.view")
    return {
        "info": versions.info(version, timezone.localdate()),
        "state": binaries.state(version),
        "task": tasks.filter(subject_id=preparing.subject(version), status__in=Operation.UNFINISHED).first(),
        "clusters": used_by.get(version, 0),
        "default": version == binaries.default(),
    }
