"""Pages of tasks: the list, one task with its steps and log, its raw log, cancelling and starting anew."""

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from pks_portal.operations import commands, history
from pks_portal.operations.kinds import KINDS
from pks_portal.operations.models import Operation
from tenants.access import may
from tenants.http import UserHttpRequest
from tenants.models import User

PER_PAGE = 30
ROWS_AT_ONCE = 50
LOG_LINES = 500
STATES: dict[str, list[str]] = {
    "active": list(Operation.UNFINISHED),
    "waiting": [Operation.Status.WAITING, Operation.Status.HELD],
    "failed": [Operation.Status.FAILED],
    "done": [Operation.Status.SUCCEEDED, Operation.Status.CANCELLED],
}


@login_required
@require_safe
@vary_on_headers("HX-Request")
def task_list(request: UserHttpRequest) -> HttpResponse:
    """List the tasks that the person may see, the newest first."""
    rows = _matching(request)
    state = request.GET.get("state", "")
    shown = rows.filter(status__in=STATES[state]) if state in STATES else rows
    listed = shown.select_related("tenant", "actor").prefetch_related("steps")
    context = {
        "page": Paginator(listed, PER_PAGE).get_page(request.GET.get("page")),
        "counts": _counts(rows),
        "state": state,
        "kind": request.GET.get("kind", ""),
        "mine": request.GET.get("mine", ""),
        "kinds": sorted(KINDS),
        "filtered": any(request.GET.get(name) for name in ("state", "kind", "mine")),
        "refresh": request.get_full_path(),
        "query": request.GET.urlencode(),
    }
    fragment = "HX-Request" in request.headers
    return render(request, "operations/_list.html" if fragment else "operations/list.html", context)


@login_required
@require_safe
def task_rows(request: UserHttpRequest) -> HttpResponse:
    """Return the rows of the ids asked for (?id=…), as far as they still match the list's filters."""
    rows = _matching(request)
    state = request.GET.get("state", "")
    shown = rows.filter(status__in=STATES[state]) if state in STATES else rows
    wanted = [text for text in request.GET.getlist("id")[:ROWS_AT_ONCE] if _is_uuid(text)]
    listed = shown.filter(pk__in=wanted).select_related("tenant", "actor").prefetch_related("steps")
    return render(request, "operations/_rows.html", {"tasks": listed, "counts": _counts(rows), "state": state})


@login_required
@require_safe
def task_detail(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Show one task, live while it runs; it stays when its subject is gone."""
    task = get_object_or_404(_visible(request.user).select_related("tenant", "actor"), pk=pk)
    return render(request, "operations/detail.html", task_context(request.user, task))


@login_required
@require_safe
def task_log(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Download every event as plain text, in the page's language."""
    task = get_object_or_404(_visible(request.user), pk=pk)
    lines = [f"{task.title} ({task.pk})"]
    for event in task.events.all():
        moment = timezone.localtime(event.at).isoformat(timespec="milliseconds")
        lines.append(f"{event.seq:>5} {moment} {event.level:<7} {event.step or '-':<16} {event.text}")
    name = f"task-{task.pk}.log"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8", headers=headers)


@login_required
@require_POST
def task_cancel(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Ask the task to stop at its next safe point, and go back to where it was asked."""
    task = _asked_for(request, pk)
    commands.cancel(request.user, task)
    return redirect("operations:detail", task.pk)


@login_required
@require_POST
def task_force(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Let the task go past what blocks it, and show it."""
    task = _asked_for(request, pk)
    commands.force(request.user, task)
    return redirect("operations:detail", task.pk)


@login_required
@require_POST
def task_retry(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Start a failed or cancelled task anew and show the new one; let a blocked one try now."""
    task = _asked_for(request, pk)
    return redirect("operations:detail", commands.retry(request.user, task).pk)


def _asked_for(request: UserHttpRequest, pk: UUID) -> Operation:
    """Return the task that something is to be done to. Raises Http404 unless the person may see it."""
    return get_object_or_404(_visible(request.user).select_related("tenant"), pk=pk)


def task_context(user: User, task: Operation) -> dict[str, Any]:
    """Return what the task card needs: the last events, the estimate, and what the person may do to it."""
    newest = task.events.filter(seq__lte=task.last_seq).order_by("-seq")[:LOG_LINES]
    ended_early = task.status in {Operation.Status.FAILED, Operation.Status.CANCELLED}
    newer = task.newer if ended_early else None
    return {
        "task": task,
        "newer": newer,
        "events": list(reversed(newest)),
        "left": history.seconds_left(task),
        "cancel": may(user, "task.cancel", task.tenant),
        "force": may(user, "task.force", task.tenant),
        "retryable": ended_early and newer is None and KINDS[task.kind].retry is not None,
    }


def _visible(user: User) -> "QuerySet[Operation]":
    return Operation.objects.visible_to(user, "task.view")


def _matching(request: UserHttpRequest) -> "QuerySet[Operation]":
    """Return the visible tasks of the tenant, kind and person asked for, of any state."""
    rows, query = _visible(request.user), request.GET
    if tenant := query.get("tenant"):
        rows = rows.filter(tenant__slug=tenant)
    if kind := query.get("kind"):
        rows = rows.filter(kind=kind)
    return rows.filter(actor=request.user) if query.get("mine") else rows


def _counts(rows: "QuerySet[Operation]") -> dict[str, int]:
    states = {name: Count("pk", filter=Q(status__in=values)) for name, values in STATES.items()}
    return rows.order_by().aggregate(all=Count("pk"), **states)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
