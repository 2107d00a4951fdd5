"""The person's own page: roles and where each comes from, sessions, appearance."""

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from tenants import audit, sessions
from tenants.http import UserHttpRequest
from tenants.models import PlatformGrant
from tenants.views.automation import own_tokens


@login_required
@require_safe
def profile(request: UserHttpRequest) -> HttpResponse:
    """Show who one is here and why one may do what one may."""
    context = {
        "memberships": request.user.memberships.select_related("tenant"),
        "grants": PlatformGrant.objects.filter(user=request.user),
        "sessions": _sessions(request),
        **own_tokens(request),
    }
    return render(request, "tenants/profile.html", context)


@login_required
@require_POST
def end_session(request: UserHttpRequest, pk: int) -> HttpResponse:
    """End another of one's own sessions at once."""
    sessions.end(get_object_or_404(UserSession, pk=pk, user=request.user))
    audit.record(request.user, "session.end", request.user, by="profile")
    return redirect("profile")


@login_required
@require_POST
def end_other_sessions(request: UserHttpRequest) -> HttpResponse:
    """End all of one's own sessions but this one, at once."""
    if ended := sessions.end_others(request.user, keep=request.session.session_key):
        audit.record(request.user, "session.end", request.user, by="profile", ended=ended)
    return redirect("profile")


def _sessions(request: HttpRequest) -> list[Any]:
    """Return the living sessions, this one first."""
    rows = UserSession.objects.purge_and_list(request.user)
    return sorted(rows, key=lambda row: (not row.is_current(), -row.last_seen_at.timestamp()))
