"""Small pages of the shell: appearance and language, the palette's search, and the badges that follow the feed."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clusters.models import Cluster
from pks_portal.operations.models import Operation
from pks_portal.shell import THEME_COOKIE, THEMES
from tenants.http import UserHttpRequest

FOUND_AT_MOST = 6
YEAR = 365 * 86400


@dataclass(frozen=True, slots=True)
class Page:
    """A page that the palette can jump to."""

    title: str
    url: str
    icon: str


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Keep the chosen theme or language in a cookie and go back to the page; open to everybody."""
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None) or not back.startswith("/"):
        back = "/"
    response = redirect(back)
    if (theme := request.POST.get("theme")) is not None:
        if theme in THEMES:
            _keep(response, THEME_COOKIE, theme)
        else:
            response.delete_cookie(THEME_COOKIE)
    if request.POST.get("language") in dict(settings.LANGUAGES):
        _keep(response, settings.LANGUAGE_COOKIE_NAME, request.POST["language"])
    return response


def _keep(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=YEAR, samesite="Lax", secure=settings.SECURE, httponly=True)


@login_required
@require_safe
def badges(request: UserHttpRequest) -> HttpResponse:
    """Return the shell's counts, and the token that forms need: signing in again has changed it."""
    response = render(request, "shell/_badges.html")
    response.headers["X-CSRFToken"] = get_token(request)
    return response


@login_required
@require_safe
def search(request: UserHttpRequest) -> HttpResponse:
    """Find clusters and tasks that the person may see, and pages, by a part of their name or an id."""
    wanted = request.GET.get("q", "").strip()[:100]
    clusters = Cluster.objects.visible_to(request.user, "cluster.view").select_related("tenant")
    tasks = Operation.objects.visible_to(request.user, "task.view")
    if wanted:
        clusters = clusters.filter(_matches(wanted, "name", "pk"))
        tasks = tasks.filter(_matches(wanted, "subject_name", "pk"))
    found = {
        "clusters": clusters.order_by("-created_at" if not wanted else "name")[:FOUND_AT_MOST],
        "tasks": tasks[:FOUND_AT_MOST] if wanted else [],
        "pages": [page for page in _pages() if wanted.lower() in page.title.lower()],
    }
    return render(request, "shell/_results.html", found)


def _matches(wanted: str, name: str, key: str) -> Q:
    condition = Q(**{f"{name}__icontains": wanted})
    try:
        return condition | Q(**{key: UUID(wanted)})
    except ValueError:
        return condition


def _pages() -> list[Page]:
    return [
        Page(_("Dashboard"), reverse("dashboard"), "layout-dashboard"),
        Page(_("Clusters"), reverse("clusters:list"), "boxes"),
        Page(_("Create cluster"), reverse("clusters:create"), "plus"),
        Page(_("Tasks"), reverse("operations:list"), "list-checks"),
        Page(_("Plans"), reverse("clusters:plans"), "layers"),
        Page(_("Kubernetes versions"), reverse("clusters:versions"), "tag"),
        Page(_("Profile"), reverse("profile"), "user-round"),
    ]
