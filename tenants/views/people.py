"""Pages of people for those who run the platform: who there is, who has which platform role, and who has left."""

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from pks_portal.errors import Invalid, PortalError
from tenants import factors, holdings, leaving, membership, resetting, roles, sessions
from tenants.access import may, require
from tenants.http import UserHttpRequest
from tenants.models import Departure, GroupMapping, Membership, PlatformGrant, PlatformRole, User
from tenants.stepup import step_up

PER_PAGE = 25


@login_required
@require_safe
def people(request: UserHttpRequest) -> HttpResponse:
    """List the people who have signed in here, and the groups that give platform roles."""
    require(request.user, "person.view", None)
    return _list(request)


@login_required
@require_safe
def person(request: UserHttpRequest, pk: int) -> HttpResponse:
    """Show one person: roles and why, what they made, and what happens when they are deactivated."""
    require(request.user, "person.view", None)
    return _page(request, _person(pk))


@login_required
@require_POST
@step_up
def deactivate(request: UserHttpRequest, pk: int) -> HttpResponse:
    """Let somebody in no more."""
    require(request.user, "person.deactivate", None)
    user = _person(pk)
    try:
        leaving.dismiss(request.user, user, request.POST.get("reason", ""))
    except Invalid as error:
        return _page(request, user, status=422, problem=error)
    return redirect("person", pk)


@login_required
@require_POST
@step_up
def reactivate(request: UserHttpRequest, pk: int) -> HttpResponse:
    """Let somebody sign in again."""
    require(request.user, "person.deactivate", None)
    leaving.readmit(request.user, _person(pk))
    return redirect("person", pk)


@login_required
@require_POST
@step_up
def end_sessions(request: UserHttpRequest, pk: int) -> HttpResponse:
    """End all sessions of somebody, who may sign in again."""
    require(request.user, "person.deactivate", None)
    user = _person(pk)
    leaving.end_all_sessions(request.user, user)
    return redirect("person", pk)


@login_required
@require_POST
@step_up
def reset_factors(request: UserHttpRequest, pk: int) -> HttpResponse:
    """Remove the second factors of somebody who has lost them all."""
    require(request.user, "person.reset_factors", None)
    user = _person(pk)
    try:
        resetting.reset(request.user, user, request.POST.get("reason", ""))
    except Invalid as error:
        return _page(request, user, status=422, reset_problem=error)
    return redirect("person", pk)


@login_required
@require_POST
@step_up
def give(request: UserHttpRequest, pk: int) -> HttpResponse:
    """Give a platform role by hand."""
    require(request.user, "role.platform", None)
    roles.give_platform(request.user, _person(pk), request.POST.get("role", ""))
    return redirect("person", pk)


@login_required
@require_POST
@step_up
def withdraw(request: UserHttpRequest, pk: int, grant: int) -> HttpResponse:
    """Take a platform role away that was given by hand."""
    require(request.user, "role.platform", None)
    row = PlatformGrant.objects.select_related("user").filter(pk=grant, user=pk).first()
    if row is not None:
        roles.withdraw_platform(request.user, row)
    return redirect("person", pk)


@login_required
@require_POST
@step_up
def map_group(request: UserHttpRequest) -> HttpResponse:
    """Have a directory group give a platform role."""
    require(request.user, "role.platform", None)
    typed = {name: request.POST.get(name, "").strip() for name in ("group_dn", "role")}
    try:
        roles.map_group(request.user, None, typed["group_dn"], typed["role"])
    except PortalError as error:
        if not error.field:
            raise
        return _list(request, status=422, problem=error, typed=typed)
    return redirect("people")


@login_required
@require_POST
@step_up
def unmap(request: UserHttpRequest, pk: int) -> HttpResponse:
    """End that a group gives a platform role."""
    require(request.user, "role.platform", None)
    mapping = GroupMapping.objects.filter(tenant=None, pk=pk).first()
    if mapping is not None:
        roles.unmap(request.user, mapping)
    return redirect("people")


def _person(pk: int) -> User:
    return get_object_or_404(User, pk=pk, kind=User.Kind.PERSON)


def _list(request: UserHttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    query, state = request.GET.get("q", "").strip()[:100], request.GET.get("state", "")
    rows = membership.everybody(state, query)
    counts = {name: membership.everybody(name).count() for name in membership.STATES}
    context = {
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "query": query,
        "state": state if state in membership.STATES else "",
        "counts": counts | {"all": membership.everybody().count()},
        "groups": membership.groups(None),
        "roles": PlatformRole.choices,
        "change": may(request.user, "role.platform", None),
    }
    return render(request, "tenants/people/list.html", context | more, status=status)


def _page(request: UserHttpRequest, user: User, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "person": user,
        "reasons": roles.why_all(user),
        "grants": PlatformGrant.objects.filter(user=user).select_related("given_by"),
        "memberships": Membership.objects.filter(user=user).select_related("tenant", "given_by"),
        "held": holdings.of_person(user),
        "departure": Departure.objects.filter(user=user, ended_at=None).select_related("by").first(),
        "sessions": UserSession.objects.filter(user=user).count(),
        "sign_ins": len(sessions.sign_ins(user)),
        "tokens": user.api_tokens.count(),
        "roles": PlatformRole.choices,
        "change": may(request.user, "role.platform", None),
        "may_deactivate": may(request.user, "person.deactivate", None),
        "second_factor": factors.has_second_factor(user),
        "may_reset": may(request.user, "person.reset_factors", None) and user != request.user,
    }
    return render(request, "tenants/people/person.html", context | more, status=status)
