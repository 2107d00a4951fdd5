"""Small pages of the shell: appearance and language, the palette's search, and the badges that follow the feed."""

import re
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clusters.models import Cluster
from pks_portal import messages
from pks_portal.operations.models import Operation
from pks_portal.shell import THEME_COOKIE, THEMES
from registry import browsing
from tenants.http import UserHttpRequest
from tenants.models import User

FOUND_AT_MOST = 6
LOOKED_AT = 300  # tasks, the newest, whose words are compared: they are made in the reader's language
BEGINNING_OF_ID = re.compile(r"[0-9a-f]{4,32}")
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
        if isinstance(request.user, User):
            User.objects.filter(pk=request.user.pk).update(language=request.POST["language"])  # for mail to them
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
    """Find clusters, images and tasks that the person may see, and pages, by their words or the beginning of an id."""
    wanted = request.GET.get("q", "").strip()[:100]
    clusters = Cluster.objects.visible_to(request.user, "cluster.view").select_related("tenant")
    tasks = Operation.objects.visible_to(request.user, "task.view")
    if wanted:
        clusters = clusters.filter(_matches(wanted, "name"))
    found = {
        "clusters": clusters.order_by("-created_at" if not wanted else "name")[:FOUND_AT_MOST],
        "repositories": browsing.named(request.user, wanted)[:FOUND_AT_MOST] if wanted else [],
        "tasks": _tasks(tasks, wanted) if wanted else [],
        "pages": [page for page in _pages() if wanted.lower() in page.title.lower()],
    }
    return render(request, "shell/_results.html", found)


def _tasks(rows: "QuerySet[Operation]", wanted: str) -> list[Operation]:
    """Return the tasks that say all the words, and those of whose subject's name or id it is a part."""
    words = wanted.lower().split()
    told = [task for task in rows[:LOOKED_AT] if all(word in _said(task) for word in words)]
    named = rows.filter(_matches(wanted, "subject_name"))[:FOUND_AT_MOST]
    return list({task.pk: task for task in [*told, *named]}.values())[:FOUND_AT_MOST]


def _said(task: Operation) -> str:
    kind = messages.render(f"kind.{task.kind}", {})
    return f"{task.title} {kind} {task.get_status_display()} {task.actor_name}".lower()


def _matches(wanted: str, name: str) -> Q:
    condition = Q(**{f"{name}__icontains": wanted})
    digits = wanted.lower().replace("-", "")
    if not BEGINNING_OF_ID.fullmatch(digits):
        return condition
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return condition | Q(pk__startswith="-".join(filter(None, parts)))


def _pages() -> list[Page]:
    return [
        Page(_("Dashboard"), reverse("dashboard"), "layout-dashboard"),
        Page(_("Clusters"), reverse("clusters:list"), "boxes"),
        Page(_("Create cluster"), reverse("clusters:create"), "plus"),
        Page(_("Images"), reverse("registry:list"), "package"),
        Page(_("Image security"), reverse("registry:security"), "bug"),
        Page(_("Tasks"), reverse("operations:list"), "list-checks"),
        Page(_("Approvals"), reverse("approvals"), "inbox"),
        Page(_("Kubeconfigs"), reverse("clusters:kubeconfigs"), "key-round"),
        Page(_("Plans"), reverse("clusters:plans"), "layers"),
        Page(_("Kubernetes versions"), reverse("clusters:versions"), "tag"),
        Page(_("Notices"), reverse("notices"), "bell"),
        Page(_("Profile"), reverse("profile"), "user-round"),
        Page(_("Security"), reverse("mfa_index"), "shield-check"),
    ]
