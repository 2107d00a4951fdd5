"""A project's robots: made, given a new secret, stopped and deleted from its page; a secret is shown once."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from pks_portal.errors import Invalid, PortalError
from registry import rights, robots
from registry.commands import login_command
from registry.models import Project, Robot
from registry.views import finding
from registry.views.projects import project_page
from tenants.http import UserHttpRequest
from tenants.stepup import step_up


@login_required
@require_POST
@step_up
def create(request: UserHttpRequest, project: str) -> HttpResponse:
    """Make a robot and show its secret, once."""
    row = _project(request, project)
    try:
        days = _days(request.POST.get("days", ""))
        about = request.POST.get("about", "").strip()[:200]
        wish = robots.Wish(request.POST.get("name", "").strip(), request.POST.getlist("rights"), days, about)
        robot, secret = robots.create(request.user, row, wish)
    except PortalError as error:
        return _refused(request, row, error)
    except ValidationError as error:
        return _refused(request, row, Invalid("error.registry_refused", reason=" ".join(error.messages)))
    return _shown(request, robot, secret)


@login_required
@require_POST
@step_up
def rotate(request: UserHttpRequest, project: str, name: str) -> HttpResponse:
    """Give a robot a new secret and show it, once."""
    row = _project(request, project)
    robot = get_object_or_404(Robot.objects.select_related("project__tenant"), project=row, name=name)
    try:
        secret = robots.rotate(
            request.user, robot, _days(request.POST.get("days", "")), stamp=request.POST.get("stamp")
        )
    except PortalError as error:
        return _refused(request, row, error)
    robot.refresh_from_db()
    return _shown(request, robot, secret)


@login_required
@require_POST
@step_up
def change(request: UserHttpRequest, project: str, name: str) -> HttpResponse:
    """Stop a robot, let it go on, or delete it."""
    row = _project(request, project)
    robot = get_object_or_404(Robot.objects.select_related("project__tenant"), project=row, name=name)
    if request.POST.get("do") == "delete":
        robots.delete(request.user, robot)
    else:
        robots.change(request.user, robot, disabled=request.POST.get("do") == "stop")
    return redirect(f"{reverse('registry:show', args=[row.name])}?tab=robots")


def _project(request: UserHttpRequest, name: str) -> Project:
    project = finding.project_of(request.user, name)
    rights.require(request.user, "registry.robots", project)
    return project


def _shown(request: UserHttpRequest, robot: Robot, secret: str) -> HttpResponse:
    context = {"robot": robot, "secret": secret, "login": login_command(request.get_host(), robot.login)}
    template = "registry/_robot_shown.html" if "HX-Request" in request.headers else "registry/robot_shown.html"
    response = render(request, template, context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _refused(request: UserHttpRequest, project: Project, error: PortalError) -> HttpResponse:
    if "HX-Request" in request.headers:
        return render(request, "registry/_robot_refused.html", {"error": error}, status=error.status)
    return project_page(request, project, status=error.status, tab="robots", refusal=error, typed=request.POST)


def _days(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0  # noqa: PLR2004
