"""Labels, from the pages of artifacts, of projects, and of the platform."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from pks_portal.errors import PortalError
from registry import labels
from registry.models import Label, Project
from registry.views import finding
from registry.views.finding import Reference
from registry.views.projects import project_page
from tenants.access import may, require
from tenants.http import UserHttpRequest

COLOURS = Label.Colour.choices


@login_required
@require_POST
def mark(request: UserHttpRequest, reference: str) -> HttpResponse:
    """Put a label on an artifact, or take one off."""
    from registry.views.artifacts import artifact_page  # noqa: PLC0415 - that page shows the labels of this module

    artifact = finding.artifact_of(request.user, Reference.read(reference))
    said = request.POST.get("label", "")
    number = int(said) if said.isdecimal() and len(said) < 19 else 0  # noqa: PLR2004 - the figures of a key
    act = labels.take if request.POST.get("do") == "take" else labels.put
    try:
        act(request.user, artifact, number)
    except PortalError as error:
        return artifact_page(request, artifact, status=error.status, refusal=error)
    return redirect("registry:show", f"{artifact.repository}@{artifact.digest}")


@login_required
@require_POST
def add(request: UserHttpRequest, project: str) -> HttpResponse:
    """Make a label of a project."""
    row = finding.project_of(request.user, project)
    try:
        labels.make(request.user, row, _said(request))
    except PortalError as error:
        return project_page(request, row, status=error.status, tab="labels", refusal=error, typed=request.POST)
    return _back(row)


@login_required
@require_POST
def change(request: UserHttpRequest, project: str, pk: int) -> HttpResponse:
    """Change a label of a project, or delete it."""
    row = finding.project_of(request.user, project)
    try:
        _changed(request, get_object_or_404(Label.objects.select_related("project__tenant"), project=row, pk=pk))
    except PortalError as error:
        return project_page(request, row, status=error.status, tab="labels", refusal=error)
    return _back(row)


@login_required
@require_safe
def platform(request: UserHttpRequest) -> HttpResponse:
    """Show the labels that every project may use."""
    require(request.user, "registry_platform.view", None)
    return _platform(request)


@login_required
@require_POST
def add_to_platform(request: UserHttpRequest) -> HttpResponse:
    """Make a label that every project may use."""
    require(request.user, "registry_platform.manage", None)
    try:
        labels.make(request.user, None, _said(request))
    except PortalError as error:
        return _platform(request, status=error.status, refusal=error, typed=request.POST)
    return redirect("registry:platform-labels")


@login_required
@require_POST
def change_of_platform(request: UserHttpRequest, pk: int) -> HttpResponse:
    """Change a label that every project may use, or delete it."""
    require(request.user, "registry_platform.manage", None)
    try:
        _changed(request, get_object_or_404(labels.of_platform(), pk=pk))
    except PortalError as error:
        return _platform(request, status=error.status, refusal=error)
    return redirect("registry:platform-labels")


def _platform(request: UserHttpRequest, *, status: int = 200, **extra: Any) -> HttpResponse:
    manage = may(request.user, "registry_platform.manage", None)
    context = {"labels": labels.of_platform().select_related("made_by"), "colours": COLOURS, "manage": manage, **extra}
    return render(request, "registry/platform_labels.html", context, status=status)


def _said(request: UserHttpRequest) -> dict[str, Any]:
    return {
        "name": request.POST.get("name", ""),
        "about": request.POST.get("about", "").strip()[:200],
        "colour": request.POST.get("colour", "") or Label.Colour.GREY,
    }


def _changed(request: UserHttpRequest, row: Label) -> None:
    if request.POST.get("do") == "delete":
        labels.delete(request.user, row)
    else:
        labels.change(request.user, row, _said(request))


def _back(project: Project) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('registry:show', args=[project.name])}?tab=labels")
