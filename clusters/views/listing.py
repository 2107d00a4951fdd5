"""The list of clusters, whole and row by row."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from clusters.browsing import Filters, counts, may_create, rows_of
from clusters.engines.local import binaries
from clusters.models import Cloud, Cluster
from tenants.access import tenants_where
from tenants.http import UserHttpRequest
from tenants.models import Tenant

PER_PAGE = 25
ROWS_AT_ONCE = 50


@login_required
@require_safe
@vary_on_headers("HX-Request")
def cluster_list(request: UserHttpRequest) -> HttpResponse:
    """List the clusters that the person may see; htmx and the feed get the changing part alone."""
    filters = Filters.of(request.GET)
    visible = Cluster.objects.visible_to(request.user, "cluster.view")
    page = Paginator(filters.applied(visible), PER_PAGE).get_page(request.GET.get("page"))
    context = _shared(request, filters) | {
        "page": page,
        "rows": rows_of(page.object_list),
        "create": may_create(request.user, _tenant(request, filters)),
        "versions": binaries.offered(),
        "clouds": Cloud.objects.filter(enabled=True),
        "refresh": request.get_full_path(),
        "query": request.GET.urlencode(),
    }
    fragment = "HX-Request" in request.headers
    return render(request, "clusters/_list.html" if fragment else "clusters/list.html", context)


@login_required
@require_safe
def cluster_rows(request: UserHttpRequest) -> HttpResponse:
    """Return the rows of the ids asked for (?id=…), as far as they still match the list's filters."""
    ids = [_uuid(text) for text in request.GET.getlist("id")[:ROWS_AT_ONCE]]
    filters = Filters.of(request.GET)
    visible = Cluster.objects.visible_to(request.user, "cluster.view").filter(pk__in=[pk for pk in ids if pk])
    context = _shared(request, filters) | {"rows": rows_of(filters.applied(visible))}
    return render(request, "clusters/_rows.html", context)


def _shared(request: UserHttpRequest, filters: Filters) -> dict[str, Any]:
    visible = Cluster.objects.visible_to(request.user, "cluster.view")
    gets = set(tenants_where(request.user, "kubeconfig.view").values_list("pk", flat=True))
    return {"filters": filters, "counts": counts(filters.apart_from_state(visible)), "gets": gets}


def _tenant(request: UserHttpRequest, filters: Filters) -> Tenant | None:
    return tenants_where(request.user, "tenant.view").filter(slug=filters.tenant).first()


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
