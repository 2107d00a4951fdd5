"""Pages of members: people and directory groups side by side, and why somebody has a role."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from pks_portal.errors import Invalid, PortalError
from tenants import membership, roles
from tenants.access import may, require
from tenants.http import UserHttpRequest
from tenants.models import GroupMapping, Membership, Role, Tenant, User
from tenants.stepup import step_up
from tenants.views.tenants import visible

PER_PAGE = 25


@login_required
@require_safe
def members(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Show who is in a tenant, in which role, and from where."""
    return _page(request, visible(request, slug))


@login_required
@require_POST
@step_up
def give(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Add a person with a role, or change the one that was given by hand."""
    tenant = visible(request, slug)
    typed = {name: request.POST.get(name, "").strip() for name in ("username", "role")}
    try:
        require(request.user, "member.change", tenant)  # before it tells who exists
        roles.give(request.user, tenant, membership.known_person(typed["username"]), typed["role"])
    except Invalid as error:
        return _page(request, tenant, status=422, problem=error, typed=typed, dialog="add-person")
    return redirect("members", slug)


@login_required
@require_POST
@step_up
def withdraw(request: UserHttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take a role away that was given by hand."""
    tenant = visible(request, slug)
    row = Membership.objects.select_related("tenant", "user").filter(tenant=tenant, pk=pk).first()
    if row is None:
        require(request.user, "member.change", tenant)
    else:
        roles.withdraw(request.user, row)
    return redirect("members", slug)


@login_required
@require_POST
@step_up
def map_group(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Have a directory group give a role in the tenant."""
    tenant = visible(request, slug)
    typed = {name: request.POST.get(name, "").strip() for name in ("group_dn", "role")}
    try:
        roles.map_group(request.user, tenant, typed["group_dn"], typed["role"])
    except PortalError as error:
        if not error.field:
            raise
        return _page(request, tenant, status=422, problem=error, typed=typed, dialog="add-group")
    return redirect("members", slug)


@login_required
@require_POST
@step_up
def unmap(request: UserHttpRequest, slug: str, pk: int) -> HttpResponse:
    """End that a group gives a role."""
    tenant = visible(request, slug)
    mapping = GroupMapping.objects.select_related("tenant").filter(tenant=tenant, pk=pk).first()
    if mapping is None:
        require(request.user, "member.change", tenant)
    else:
        roles.unmap(request.user, mapping)
    return redirect("members", slug)


@login_required
@require_safe
def suggestions(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Return the people whose name begins with what is typed, for who may add them."""
    tenant = visible(request, slug)
    require(request.user, "member.change", tenant)
    people = membership.candidates(request.GET.get("username", ""))
    return render(request, "tenants/members/_suggestions.html", {"people": people})


@login_required
@require_safe
def why(request: UserHttpRequest, slug: str, username: str) -> HttpResponse:
    """Show why a person has each role in the tenant; to its administrators, and to everybody about themselves."""
    tenant = visible(request, slug)
    user = request.user
    if username != user.username:
        require(user, "role.view", tenant)
        members = User.objects.filter(kind=User.Kind.PERSON, memberships__tenant=tenant)
        user = get_object_or_404(members.distinct(), username=username)
    context = {"tenant": tenant, "person": user, "reasons": roles.why(user, tenant)}
    return render(request, "tenants/members/why.html", context)


@login_required
@require_safe
def own_roles(request: UserHttpRequest) -> HttpResponse:
    """Show why one has each of one's own roles."""
    return render(request, "tenants/members/own.html", {"reasons": roles.why_all(request.user)})


def _page(request: UserHttpRequest, tenant: Tenant, *, status: int = 200, **more: Any) -> HttpResponse:
    query, role = request.GET.get("q", "").strip()[:100], request.GET.get("role", "")
    people = membership.people_of(tenant, query, role)
    page = Paginator(people, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "tenant": tenant,
        "page": page,
        "members": membership.members(tenant, page.object_list),
        "groups": membership.groups(tenant),
        "roles": Role.choices,
        "query": query,
        "role": role,
        "change": may(request.user, "member.change", tenant),
        "explain": may(request.user, "role.view", tenant),
        "open": tenant.archived_at is None,
    }
    return render(request, "tenants/members/page.html", context | more, status=status)
