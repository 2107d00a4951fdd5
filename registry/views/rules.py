"""Which tags may not move and what is retained, from a project's page."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from pks_portal.errors import PortalError
from registry.models import ImmutableRule, Project, RetentionRule
from registry.upkeep import retaining, rules
from registry.views import finding
from registry.views.projects import project_page
from tenants.http import UserHttpRequest


@login_required
@require_POST
def add(request: UserHttpRequest, project: str, sort: str) -> HttpResponse:
    """Make a rule, "immutable" or of "retention"."""
    row = finding.project_of(request.user, project)
    said: dict[str, Any] = {name: request.POST.get(name, "").strip() for name in ("repositories", "tags")}
    try:
        if sort == "immutable":
            rules.make_immutable(request.user, row, said)
        else:
            number, keep = request.POST.get("number", ""), request.POST.get("keep", "")
            said |= {
                "untagged": request.POST.get("untagged") == "1",
                "keep": keep if keep in RetentionRule.Keep.values else RetentionRule.Keep.ALWAYS,
                "number": int(number) if number.isdecimal() and len(number) <= len(str(rules.MOST_NUMBER)) else 0,
            }
            rules.make_retention(request.user, row, said)
    except PortalError as error:
        return project_page(
            request, row, status=error.status, tab="rules", refusal=error, typed=request.POST, sort=sort
        )
    return _back(row)


@login_required
@require_POST
def remove(request: UserHttpRequest, project: str, sort: str, pk: int) -> HttpResponse:
    """Delete a rule."""
    row = finding.project_of(request.user, project)
    if sort == "immutable":
        rules.delete(request.user, get_object_or_404(ImmutableRule, project=row, pk=pk))
    else:
        rules.delete(request.user, get_object_or_404(RetentionRule, project=row, pk=pk))
    return _back(row)


@login_required
@require_POST
def run(request: UserHttpRequest, project: str) -> HttpResponse:
    """Carry the retention rules out, or only say what they would do."""
    row = finding.project_of(request.user, project)
    try:
        started = retaining.ask(request.user, row, dry_run=request.POST.get("do") != "run")
    except PortalError as error:
        return project_page(request, row, status=error.status, tab="rules", refusal=error)
    return redirect("operations:detail", started.task)


def _back(project: Project) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse('registry:show', args=[project.name])}?tab=rules")
