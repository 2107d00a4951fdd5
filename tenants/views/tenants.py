"""Pages of tenants: the list, one tenant, and making, renaming, archiving it."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pks_portal.errors import PortalError
from tenants import holdings, quotas, tenancy
from tenants.access import may, require, tenants_where
from tenants.http import UserHttpRequest
from tenants.models import Role, Tenant, User
from tenants.stepup import step_up

PER_PAGE = 25


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tenant_list(request: UserHttpRequest) -> HttpResponse:
    """List the tenants that the person may see, or make one."""
    return create(request) if request.method == "POST" else _list(request)


@step_up
def create(request: UserHttpRequest) -> HttpResponse:
    """Make a tenant."""
    typed = {name: request.POST.get(name, "").strip() for name in ("slug", "name", "name_zh")}
    try:
        tenant = tenancy.create(request.user, typed["slug"], typed["name"], typed["name_zh"])
    except (PortalError, ValidationError) as error:
        require(request.user, "tenant.create", None)
        return _list(request, status=422, problems=_problems(error), typed=typed)
    return redirect("tenant", tenant.slug)


@login_required
@require_safe
def tenant(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Show what a tenant is: its quota, what is in it, who administers it."""
    return _page(request, visible(request, slug))


@login_required
@require_POST
@step_up
def rename(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Give a tenant other names."""
    row = visible(request, slug)
    typed = {name: request.POST.get(name, "").strip() for name in ("name", "name_zh")}
    try:
        tenancy.rename(request.user, row, **typed)
    except ValidationError as error:
        return _page(request, row, status=422, problems=_problems(error), typed=typed)
    return redirect("tenant", slug)


@login_required
@require_POST
@step_up
def archive(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Close a tenant that is empty."""
    tenancy.archive(request.user, visible(request, slug))
    return redirect("tenant", slug)


@login_required
@require_POST
@step_up
def restore(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Open an archived tenant again."""
    tenancy.restore(request.user, visible(request, slug))
    return redirect("tenant", slug)


def visible(request: UserHttpRequest, slug: str) -> Tenant:
    """Return the tenant if the person may see it; answers 404 otherwise."""
    return get_object_or_404(tenants_where(request.user, "tenant.view"), slug=slug)


def _list(request: UserHttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    query, archived = request.GET.get("q", "").strip()[:100], request.GET.get("state") == "archived"
    rows = tenants_where(request.user, "tenant.view")
    counts = {"open": rows.filter(archived_at=None).count(), "archived": rows.exclude(archived_at=None).count()}
    rows = _searched(rows.filter(archived_at__isnull=not archived), query)
    page = Paginator(rows.order_by("slug"), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "query": query,
        "archived": archived,
        "counts": counts,
        "may_create": may(request.user, "tenant.create", None),
        "creates_any": may(request.user, "tenant.create", None).allowed,
    }
    return render(request, "tenants/list.html", context | more, status=status)


def _searched(rows: QuerySet[Tenant], query: str) -> QuerySet[Tenant]:
    if query:
        rows = rows.filter(Q(slug__icontains=query) | Q(name__icontains=query) | Q(name_zh__icontains=query))
    people = Count("memberships__user", filter=Q(memberships__user__kind=User.Kind.PERSON), distinct=True)
    return rows.annotate(people=people)


def _page(request: UserHttpRequest, row: Tenant, *, status: int = 200, **more: Any) -> HttpResponse:
    admins = User.objects.filter(
        memberships__tenant=row, memberships__role=Role.ADMIN, is_active=True, kind=User.Kind.PERSON
    )
    context = {
        "tenant": row,
        "lines": quotas.lines(row),
        "admins": admins.distinct().order_by("username"),
        "held": holdings.of_tenant(row),
        "may_rename": may(request.user, "tenant.rename", None),
        "may_archive": may(request.user, "tenant.archive", None),
        "creates": may(request.user, "cluster.create", row),
    }
    return render(request, "tenants/tenant.html", context | more, status=status)


def _problems(error: PortalError | ValidationError) -> dict[str, str]:
    """Return what is wrong, by field; "" for what belongs to none."""
    if isinstance(error, PortalError):
        return {error.field: error.detail}
    if hasattr(error, "error_dict"):
        return {name: " ".join(texts) for name, texts in error.message_dict.items()}
    return {"slug": " ".join(error.messages)}
