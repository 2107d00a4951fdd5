"""The list of projects, and the door to everything that an address under /images names."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Q, Sum
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from pks_portal.errors import PortalError
from registry import browsing, projects
from registry.views import artifacts, finding, repositories
from registry.views.finding import Reference
from registry.views.projects import project_page
from tenants import quotas
from tenants.access import may, tenants_where
from tenants.http import UserHttpRequest
from tenants.models import QuotaKind, Tenant

PER_PAGE = 25


@login_required
@require_safe
@vary_on_headers("HX-Request")
def project_list(request: UserHttpRequest) -> HttpResponse:
    """List the projects that the person may look into."""
    return _list(request)


def _list(request: UserHttpRequest, *, status: int = 200, **extra: Any) -> HttpResponse:
    wanted, slug = request.GET.get("q", "").strip()[:63], request.GET.get("tenant", "")
    rows = browsing.projects(request.user)
    if slug:
        rows = rows.filter(tenant__slug=slug)
    if wanted:
        rows = rows.filter(Q(name__icontains=wanted) | Q(about__icontains=wanted))
    rows = rows.annotate(many=Count("repositories"), pulls=Sum("repositories__pulls")).order_by("name")
    makes = tenants_where(request.user, "registry.create")
    chosen = tenants_where(request.user, "tenant.view").filter(slug=slug).first()
    context = {
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "q": wanted, "tenant": chosen, "makes": makes, "refresh": request.get_full_path(),
        "create": makes.exists() or may(request.user, "registry.create", chosen),
        "line": _quota(chosen), "problem": "", "typed": {}, **extra,
    }  # fmt: skip
    fragment = "HX-Request" in request.headers and not extra
    return render(request, "registry/_projects.html" if fragment else "registry/projects.html", context, status=status)


def _quota(tenant: Tenant | None) -> Any:
    if tenant is None:
        return None
    return next(line for line in quotas.lines(tenant) if line.kind == QuotaKind.REGISTRY_GIB)


@login_required
@require_POST
def create_project(request: UserHttpRequest) -> HttpResponse:
    """Make a project."""
    tenant = tenants_where(request.user, "registry.view").filter(slug=request.POST.get("tenant", "")).first()
    name = request.POST.get("name", "").strip()
    if tenant is None:
        return _list(request, status=422, problem=_("Choose a tenant."), typed=request.POST)
    try:
        project = projects.create(
            request.user, tenant, name,
            about=request.POST.get("about", "").strip()[:200], public=request.POST.get("public") == "1",
        )  # fmt: skip
    except PortalError as error:
        return _list(request, status=error.status, problem=error.detail, typed=request.POST)
    except ValidationError as error:
        return _list(request, status=422, problem=" ".join(error.messages), typed=request.POST)
    return redirect("registry:show", project.name)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def show(request: UserHttpRequest, reference: str) -> HttpResponse:
    """Show what an address names: a project, a repository, or an artifact."""
    named = Reference.read(reference)
    if named.tag or named.digest:
        return artifacts.artifact_page(request, finding.artifact_of(request.user, named), tag=named.tag)
    if "/" in named.name:
        return repositories.repository_page(request, finding.repository_of(request.user, named.name))
    return project_page(request, finding.project_of(request.user, named.name))
