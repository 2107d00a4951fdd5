"""Pages of upkeep, for those who run the platform."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pks_portal.upkeep import retention
from tenants.access import require
from tenants.http import UserHttpRequest


@login_required
@require_safe
def kept(request: UserHttpRequest) -> HttpResponse:
    """Show what is kept for how long, and how much of it there is."""
    require(request.user, "platform.view", None)
    return render(request, "upkeep/retention.html", {"kinds": retention.kept()})
