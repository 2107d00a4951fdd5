"""Entering a tenant's cluster in an emergency from its page, and ending that."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from clusters import emergency, recipes
from clusters.engines.base import Credential
from clusters.models import Cluster, EmergencyAccess
from clusters.views import detail
from pks_portal.errors import Invalid, PortalError
from tenants.http import UserHttpRequest
from tenants.stepup import step_up


@login_required
@step_up
@require_POST
def enter(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Enter, and hand the kubeconfig over once: as a file, or with `as=show` inside the dialog that asks for it."""
    cluster = _cluster(request, pk)
    try:
        minutes = _minutes(request.POST.get("minutes", ""))
        reason = request.POST.get("reason", "")
        access, credential = emergency.enter(request.user, cluster, reason=reason, minutes=minutes)
    except PortalError as error:
        if "HX-Request" in request.headers:
            return render(request, "clusters/_emergency_refused.html", {"error": error}, status=error.status)
        return detail.show(request, cluster, status=error.status, refusal=error)
    return _handed(request, access, credential)


@login_required
@require_POST
def end(request: UserHttpRequest, pk: UUID, access: UUID) -> HttpResponse:
    """End an emergency access before its time."""
    cluster = _cluster(request, pk)
    rows = cluster.emergencies.select_related("cluster__tenant", "cluster__cloud", "person")
    row = get_object_or_404(rows, pk=access)
    try:
        emergency.leave(request.user, row)
    except PortalError as error:
        return detail.show(request, cluster, status=error.status, refusal=error)
    return redirect(f"{reverse('clusters:detail', args=[cluster.pk])}?tab=access")


def _handed(request: UserHttpRequest, access: EmergencyAccess, credential: Credential) -> HttpResponse:
    text = recipes.readable(credential.kubeconfig)
    name = recipes.filename(access.cluster, "emergency", access.pk)
    if request.POST.get("as") == "show" and "HX-Request" in request.headers:
        shown = {"access": access, "text": text, "filename": name, "command": recipes.kubectl(name)}
        response = render(request, "clusters/_emergency_shown.html", shown)
    else:
        response = HttpResponse(text, content_type="application/yaml")
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _cluster(request: UserHttpRequest, pk: UUID) -> Cluster:
    rows = Cluster.objects.visible_to(request.user, "cluster.view")
    return get_object_or_404(rows.select_related("tenant", "plan", "cloud", "created_by"), pk=pk)


def _minutes(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdecimal()) or len(text) > 6:  # noqa: PLR2004 - far more than any lasts
        raise Invalid("error.number_wrong", field="minutes", value=text[:40])
    return int(text)
