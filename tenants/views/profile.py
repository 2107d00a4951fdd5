"""The person's own page: roles and where each comes from, sessions, appearance."""

from typing import Any
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
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
        "sign_ins": sessions.sign_ins(request.user),
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
def end_sign_in(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """End one of one's own sign-ins at the command line at once."""
    if not sessions.end_sign_in(request.user, pk):
        raise Http404
    return redirect("profile")


@login_required
@require_POST
def end_other_sessions(request: UserHttpRequest) -> HttpResponse:
    """End all of one's own sessions but this one, those of programs too, at once."""
    if ended := sessions.end_others(request.user, keep=request.session.session_key):
        audit.record(request.user, "session.end", request.user, by="profile", ended=ended)
    return redirect("profile")


def _sessions(request: UserHttpRequest) -> list[Any]:
    """Return the living sessions, this one first."""
    return sorted(sessions.living(request.user), key=lambda row: (not row.is_current(), -row.last_seen_at.timestamp()))
