"""Trusted keys and exceptions, from a project's page."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from pks_portal.errors import PortalError
from registry import exceptions
from registry.models import CveException, Project, TrustedKey
from registry.trust import trusted
from registry.views import finding
from registry.views.projects import project_page
from tenants.http import UserHttpRequest
from tenants.stepup import step_up
from tenants.views.approvals import tabs

MOST = 200


@login_required
@require_POST
@step_up
def add_key(request: UserHttpRequest, project: str) -> HttpResponse:
    """Trust a public key."""
    row = finding.project_of(request.user, project)
    try:
        trusted.add(request.user, row, request.POST.get("name", ""), request.POST.get("public_key", "")[:20_000])
    except PortalError as error:
        return project_page(request, row, status=error.status, tab="policy", refusal=error, typed=request.POST)
    return redirect(_tab(row, "policy"))


@login_required
@require_POST
@step_up
def remove_key(request: UserHttpRequest, project: str, pk: UUID) -> HttpResponse:
    """Trust a key no longer."""
    row = finding.project_of(request.user, project)
    trusted.remove(
        request.user, get_object_or_404(TrustedKey.objects.select_related("project__tenant"), project=row, pk=pk)
    )
    return redirect(_tab(row, "policy"))


@login_required
@require_POST
def ask(request: UserHttpRequest, project: str) -> HttpResponse:
    """Ask for an exception."""
    row = finding.project_of(request.user, project)
    said = {name: request.POST.get(name, "").strip() for name in ("vulnerability", "reason", "repositories", "package")}
    days = request.POST.get("days", "")
    try:
        exceptions.ask(request.user, row, exceptions.Wish(**said, days=int(days) if days.isdecimal() else 0))
    except PortalError as error:
        return project_page(request, row, status=error.status, tab="exceptions", refusal=error, typed=request.POST)
    return redirect(_tab(row, "exceptions"))


@login_required
@require_safe
def waiting(request: UserHttpRequest) -> HttpResponse:
    """List the wishes that the person may decide on, over all projects."""
    context = {"exceptions": exceptions.open_for(request.user)[:MOST], "tabs": tabs(request.user), "tab": "exceptions"}
    return render(request, "registry/exceptions.html", context | {"decide": True, "inbox": True})


@login_required
@require_POST
@step_up
def decide(request: UserHttpRequest, project: str, pk: UUID) -> HttpResponse:
    """Approve, reject or withdraw an exception."""
    row = finding.project_of(request.user, project)
    wish = get_object_or_404(CveException.objects.select_related("project__tenant"), project=row, pk=pk)
    verb = request.POST.get("do", "")
    try:
        if verb == "withdraw":
            exceptions.withdraw(request.user, wish)
        else:
            comment = request.POST.get("comment", "")
            exceptions.decide(request.user, wish, approve=verb == "approve", comment=comment)
    except PortalError as error:
        return project_page(request, row, status=error.status, tab="exceptions", refusal=error)
    return redirect("registry:exceptions" if request.POST.get("back") == "inbox" else _tab(row, "exceptions"))


def _tab(project: Project, tab: str) -> str:
    return f"{reverse('registry:show', args=[project.name])}?tab={tab}"
