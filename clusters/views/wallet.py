"""The wallet: all kubeconfigs that one may see, in all clusters, and revoking them."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from clusters import credentials, wallet
from clusters.models import Cluster, Kubeconfig
from tenants.access import somewhere, tenants_where
from tenants.http import UserHttpRequest, page_of
from tenants.models import User

PER_PAGE = 25
NAMES = ("id", "mine", "cluster", "holder")
"""What may be revoked at once: one, all of mine, of a cluster, or of a person."""


@login_required
@require_safe
@vary_on_headers("HX-Request")
def kubeconfigs(request: UserHttpRequest) -> HttpResponse:
    """List kubeconfigs; htmx and the feed get the changing part alone."""
    user, filters = request.user, wallet.Filters.of(request.GET)
    visible = wallet.visible_to(user)
    page = Paginator(filters.applied(visible, user), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "filters": filters,
        "counts": wallet.counts(filters.apart_from_state(visible, user)),
        "kinds": Kubeconfig.Kind.choices,
        "sees_others": somewhere(user, "kubeconfig.list"),
        "holds": visible.filter(wallet.in_state("valid"), holder=user).exists(),
        "gets": somewhere(user, "kubeconfig.view"),
        "cluster": Cluster.objects.visible_to(user, "cluster.view").filter(pk=filters.cluster).first()
        if filters.cluster
        else None,
        "refresh": request.get_full_path(),
        **of_rows(user),
    }
    fragment = "HX-Request" in request.headers
    return render(request, "clusters/_wallet.html" if fragment else "clusters/wallet.html", context)


def of_rows(user: User) -> dict[str, Any]:
    """Return what a table of kubeconfigs needs beside its rows: in which tenants one may see and revoke what."""
    return {
        "revocable": set(tenants_where(user, "kubeconfig.revoke").values_list("pk", flat=True)),
        "endable": set(tenants_where(user, "cluster.emergency_end").values_list("pk", flat=True)),
        "looked_into": set(tenants_where(user, "cluster.view").values_list("pk", flat=True)),
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def revoke(request: UserHttpRequest) -> HttpResponse:
    """Say what revoking would take away, and then do it: one (id), all of mine, of a cluster, or of a holder."""
    fields = request.POST if request.method == "POST" else request.GET
    asked = {name: str(fields[name]) for name in NAMES if name in fields}
    rows = _chosen(request.user, asked)
    if request.method != "POST":
        context = {"rows": rows, "asked": asked}
        fragment = "HX-Request" in request.headers
        return render(request, "clusters/_revoke.html" if fragment else "clusters/revoke.html", context)
    done, failed = wallet.revoke(request.user, rows)
    if failed:
        context = {"done": done, "failed": failed, "back": page_of(request)}
        return render(request, "clusters/revoke.html", context, status=failed[0][1].status)
    back = page_of(request)
    return redirect(back if back.startswith(("/kubeconfigs?", "/clusters/")) else "clusters:kubeconfigs")


def _chosen(user: User, asked: dict[str, str]) -> list[Kubeconfig]:
    """Return the valid kubeconfigs meant: 404 for what one does not see, Forbidden for what one may not revoke."""
    if "id" in asked:
        row = get_object_or_404(wallet.visible_to(user), pk=_known(asked["id"]))
        credentials.check_revocable(user, row)
        return [row] if row.live else []
    if "cluster" in asked:
        visible = Cluster.objects.visible_to(user, "cluster.view").select_related("tenant")
        return wallet.of_cluster(user, get_object_or_404(visible, pk=_known(asked["cluster"])))
    if "holder" in asked:
        if not wallet.visible_to(user).filter(holder__username=asked["holder"]).exists():
            raise Http404
        return wallet.of_holder(user, asked["holder"])
    if asked.get("mine") == "1":
        return wallet.mine(user)
    raise Http404


def _known(text: str) -> UUID:
    if (found := wallet.uuid_or_none(text)) is None:
        raise Http404
    return found
