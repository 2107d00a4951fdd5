"""What one does to a cluster from its page: scale, label, delete."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clusters import held, services
from clusters.forms import LabelsField
from clusters.models import Cluster
from clusters.views import asking
from clusters.views.asking import Asking
from clusters.views.detail import show, what_goes
from pks_portal.errors import Forbidden, Invalid, PortalError
from tenants.http import UserHttpRequest


@login_required
@require_safe
def scale_preview(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Say what another number of nodes would do."""
    cluster = _cluster(request, pk)
    try:
        nodes = _number(request.GET.get("nodes", ""))
        change = services.preview_scale(request.user, cluster, nodes)
        seen = {node["name"] for node in cluster.nodes_seen}
        context: dict[str, Any] = {
            "change": change,
            "nodes": nodes,
            "new": [name for name in change.engine.nodes_added if name not in seen],
            "kept": [name for name in change.engine.nodes_added if name in seen],  # an unfinished scale-down's
            "asking": Asking.of(change, request.GET, nodes=nodes, fewest=min(nodes, cluster.nodes + 1)),
        }
    except Forbidden:
        raise
    except PortalError as error:
        context = {"problem": error.detail}
    return render(request, "clusters/_scale_preview.html", context | {"cluster": cluster})


@login_required
@require_POST
def scale(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Change the number of worker nodes."""
    cluster = _cluster(request, pk)
    typed = request.POST.get("nodes", "")
    try:
        return redirect(*_scaled(request, cluster, _number(typed)))
    except PortalError as error:
        return show(request, cluster, status=error.status, refusal=error, typed_nodes=typed)


def _scaled(request: UserHttpRequest, cluster: Cluster, nodes: int) -> tuple[str, UUID]:
    """Scale the cluster, or hold the wish where the form was sent as a request; return the page that shows it."""
    key = _key(request)
    if asked := asking.sent(request.POST):
        try:
            task, _request = held.scale_cluster(request.user, cluster, nodes, asked, request_key=key)
        except PortalError as error:
            if not asking.needless(error):
                raise
        else:
            return "operations:detail", task.pk
    services.scale_cluster(request.user, cluster, nodes, request_key=key)
    return "clusters:detail", cluster.pk


@login_required
@require_POST
def label(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Replace the labels."""
    cluster = _cluster(request, pk)
    typed = request.POST.get("labels", "")
    try:
        services.set_labels(request.user, cluster, LabelsField(required=False).clean(typed))
    except ValidationError as error:
        return show(request, cluster, status=422, labels_problem=" ".join(error.messages), labels_text=typed)
    return redirect("clusters:detail", cluster.pk)


@login_required
@require_safe
def delete_what(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Say what deleting would take away, read afresh when the dialog opens."""
    cluster = _cluster(request, pk)
    return render(request, "clusters/_delete_what.html", {"cluster": cluster, "goes": what_goes(cluster)})


@login_required
@require_POST
def delete(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Remove the cluster, once its name has been typed."""
    cluster = _cluster(request, pk)
    if request.POST.get("name", "").strip() != cluster.name:
        text = _("Type %(name)s to confirm.") % {"name": cluster.name}
        return show(request, cluster, status=422, delete_problem=text)
    try:
        services.delete_cluster(request.user, cluster, request_key=_key(request))
    except PortalError as error:
        return show(request, cluster, status=error.status, refusal=error)
    return redirect("clusters:detail", cluster.pk)


def _cluster(request: UserHttpRequest, pk: UUID) -> Cluster:
    rows = Cluster.objects.visible_to(request.user, "cluster.view")
    return get_object_or_404(rows.select_related("tenant", "plan", "cloud", "created_by"), pk=pk)


def _key(request: UserHttpRequest) -> str:
    """Return the form's key; a mangled one counts as none."""
    key = request.POST.get("key", "")[:80]
    return key if key.isprintable() else ""


def _number(text: str, *, field: str = "nodes") -> int:
    if not text.strip().isdecimal() or len(text) > 6:  # noqa: PLR2004 - more nodes than any plan has
        raise Invalid("error.number_wrong", field=field, value=text[:40])
    return int(text)
