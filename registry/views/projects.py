"""A project's page: its repositories, who may do more in it, its robots, its policy."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Max, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from pks_portal.errors import PortalError
from registry import labels, members, projects, rights, robots
from registry.commands import push_commands
from registry.models import Label, Project, ProjectMember, Robot
from registry.severity import Severity
from registry.views import finding, retained
from tenants import quotas
from tenants.access import Decision, may
from tenants.factors import takes_no_password_alone
from tenants.http import UserHttpRequest
from tenants.models import QuotaKind, Role
from tenants.stepup import step_up

TABS = ("repositories", "members", "robots", "policy", "rules", "labels", "exceptions", "audit")
PER_PAGE = 25
GRACES = (0, 24, 72, 168, 336)
DAYS = (7, 30, 90, 365)


def project_page(request: UserHttpRequest, project: Project, *, status: int = 200, **extra: Any) -> HttpResponse:
    """Render the page; `extra` carries a refused form back into it."""
    tab = extra.pop("tab", None) or request.GET.get("tab", "")
    tab = tab if tab in TABS else TABS[0]
    allowed = allowances(request, project)
    if tab == "robots" and not allowed["robots"]:
        tab = TABS[0]
    context = {
        "project": project, "tab": tab, "allowed": allowed, "refresh": request.get_full_path(),
        "counts": _counts(project), **_of_tab(request, project, tab), **extra,
    }  # fmt: skip
    fragment = "HX-Request" in request.headers and not extra
    return render(request, "registry/_project.html" if fragment else "registry/project.html", context, status=status)


def _quota(request: UserHttpRequest, project: Project) -> Any:
    """Return what the tenant's images take and may take, for who may see that."""
    if not may(request.user, "quota.view", project.tenant):
        return None
    return next(line for line in quotas.lines(project.tenant) if line.kind == QuotaKind.REGISTRY_GIB)


def allowances(request: UserHttpRequest, project: Project) -> dict[str, Decision]:
    """Return what the person may do in the project, with reasons for what not."""
    actions = ("push", "delete", "configure", "robots", "scan", "ask_exception")
    allowed = {action: rights.may(request.user, f"registry.{action}", project) for action in actions}
    return allowed | {"webhooks": may(request.user, "webhook.view", project.tenant)}


def _counts(project: Project) -> dict[str, int]:
    return {
        "repositories": project.repositories.count(),
        "members": project.members.count(),
        "robots": project.robots.count(),
        "exceptions": project.exceptions.filter(status="open").count(),
    }


def _of_tab(request: UserHttpRequest, project: Project, tab: str) -> dict[str, Any]:
    if tab == "members":
        return {"members": project.members.select_related("user", "given_by"), "roles": Role.choices}
    if tab == "robots":
        return {
            "robots": project.robots.select_related("made_by"), "rights": Robot.Right.choices,
            "days": [days for days in DAYS if days <= robots.longest_days()], "now": timezone.now(),
        }  # fmt: skip
    if tab == "policy":
        levels = [(level.word, level.label) for level in reversed(Severity) if level is not Severity.UNKNOWN]
        return {
            "keys": project.trusted_keys.select_related("added_by"),
            "levels": levels,
            "graces": GRACES,
            "level": _word(project),
        }
    return _of_later_tab(request, project, tab)


def _of_later_tab(request: UserHttpRequest, project: Project, tab: str) -> dict[str, Any]:
    if tab == "exceptions":
        rows = project.exceptions.select_related("asked_by", "decided_by")[:200]
        return {
            "exceptions": rows,
            "cve": request.GET.get("cve", "")[:60],
            "decide": rights.may(request.user, "registry.decide_exception", project),
        }
    if tab == "labels":
        return {
            "own_labels": project.labels.select_related("made_by"), "colours": Label.Colour.choices,
            "platform_labels": labels.of_platform().select_related("made_by"),
        }  # fmt: skip
    if tab == "rules":
        return retained.of_project(request, project)
    return {} if tab == "audit" else _repositories(request, project)


def _word(project: Project) -> str:
    return "" if project.block_severity is None else Severity(project.block_severity).word


def _repositories(request: UserHttpRequest, project: Project) -> dict[str, Any]:
    wanted = request.GET.get("q", "").strip()[:100]
    rows = project.repositories.filter(name__icontains=wanted) if wanted else project.repositories.all()
    counted = rows.annotate(
        tag_count=Count("tags", distinct=True), worst=Max("artifacts__worst", filter=Q(artifacts__listed=True))
    )
    page = Paginator(counted.order_by("-changed_at", "name"), PER_PAGE).get_page(request.GET.get("page"))
    for row in page.object_list:
        row.project = project
    host = request.get_host()
    push = push_commands(host, project.name, request.user.username)
    needs_token = takes_no_password_alone(request.user)
    return {"page": page, "q": wanted, "push": push, "line": _quota(request, project), "needs_token": needs_token}


@login_required
@require_POST
def change_policy(request: UserHttpRequest, project: str) -> HttpResponse:
    """Change who may see the project and what may leave it."""
    row = finding.project_of(request.user, project)
    word = request.POST.get("block_severity", "")
    wanted = {
        "about": request.POST.get("about", "").strip()[:200],
        "public": request.POST.get("public") == "1",
        "scan_on_push": request.POST.get("scan_on_push") == "1",
        "signed_only": request.POST.get("signed_only") == "1",
        "block_severity": Severity.read(word) if word else None,
        "grace_hours": _number(request.POST.get("grace_hours", "0")),
    }
    try:
        projects.change(request.user, row, wanted)
    except PortalError as error:
        return project_page(request, row, status=error.status, tab="policy", refusal=error)
    return redirect(_tab(row, "policy"))


@login_required
@require_POST
def delete_project(request: UserHttpRequest, project: str) -> HttpResponse:
    """Delete an empty project."""
    row = finding.project_of(request.user, project)
    try:
        projects.delete(request.user, row)
    except PortalError as error:
        return project_page(request, row, status=error.status, tab="policy", refusal=error)
    return redirect("registry:list")


@login_required
@require_POST
@step_up
def give_role(request: UserHttpRequest, project: str) -> HttpResponse:
    """Give somebody a role in the project."""
    row = finding.project_of(request.user, project)
    try:
        members.give(request.user, row, request.POST.get("user", "").strip(), request.POST.get("role", ""))
    except PortalError as error:
        return project_page(request, row, status=error.status, tab="members", refusal=error, typed=request.POST)
    return redirect(_tab(row, "members"))


@login_required
@require_POST
@step_up
def withdraw_role(request: UserHttpRequest, project: str, pk: int) -> HttpResponse:
    """Take somebody's role in the project away."""
    row = finding.project_of(request.user, project)
    rights.require(request.user, "registry.configure", row)
    members.withdraw(request.user, get_object_or_404(ProjectMember.objects.select_related("user"), project=row, pk=pk))
    return redirect(_tab(row, "members"))


def _tab(project: Project, tab: str) -> str:
    return f"{reverse('registry:show', args=[project.name])}?tab={tab}"


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1  # noqa: PLR2004
