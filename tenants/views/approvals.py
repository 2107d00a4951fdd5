"""The inbox of approvals: what waits for one, what one asked for, what was decided; one request; deciding."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from pks_portal.errors import Invalid, PortalError
from tenants import requests
from tenants.access import require, somewhere
from tenants.http import UserHttpRequest
from tenants.models import QuotaRequest, User
from tenants.views.shown import Item, Shown

PER_PAGE = 30
AT_ONCE = 50  # requests that are decided together
PRESETS = ("30", "90")  # days for which it is granted
TABS = {"waiting": requests.waiting_for, "mine": requests.asked_by, "history": requests.history}


@login_required
@require_safe
@vary_on_headers("HX-Request")
def inbox(request: UserHttpRequest) -> HttpResponse:
    """List the requests of a tab, the first of them beside it; the feed reads the list again."""
    if "HX-Request" in request.headers:
        current = _uuid(request.GET.get("shown", ""))
        return render(request, "tenants/approvals/_again.html", _listed(request, current))
    context = _listed(request)
    first = next(iter(context["items"]), None)
    return render(request, "tenants/approvals/page.html", context | _one(request, first and first.request))


@login_required
@require_safe
@vary_on_headers("HX-Request")
def detail(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Show one request beside the list of its tab; the feed reads the request again."""
    return _show(request, _visible(request, pk))


@login_required
@require_safe
def after(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Say what granting the amounts as typed, or enough for a number of nodes, would come to."""
    row = _visible(request, pk)
    by = "nodes" if request.GET.get("by") == "nodes" else "amounts"
    nodes = _whole(request.GET.get("nodes", ""))
    granted = requests.enough_for(row, nodes) if by == "nodes" and nodes is not None else _typed(request.GET, row)
    shown = Shown.of(request.user, row, granted=granted)
    return render(request, "tenants/approvals/_after.html", {"shown": shown, "by": by})


@login_required
@require_POST
def approve(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Grant what is typed, all or part of what is asked."""
    row = _visible(request, pk)
    try:
        requests.approve(
            request.user, row, _amounts(request, row),
            expires_at=_expiry(request), comment=request.POST.get("comment", "").strip(),
        )  # fmt: skip
    except PortalError as error:
        return _show(request, row, error=error)
    return _back(request, row)


@login_required
@require_POST
def reject(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Refuse the request, saying why."""
    row = _visible(request, pk)
    try:
        requests.reject(request.user, row, request.POST.get("comment", "").strip())
    except PortalError as error:
        return _show(request, row, error=error)
    return _back(request, row)


@login_required
@require_POST
def withdraw(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Take back what one asked for."""
    row = _visible(request, pk)
    try:
        requests.withdraw(request.user, row)
    except PortalError as error:
        return _show(request, row, error=error)
    return _back(request, row)


@login_required
@require_safe
def summary(request: UserHttpRequest) -> HttpResponse:
    """Say what deciding the selected requests (?id=…) together would come to, before it is done."""
    _require_somewhere(request.user)
    return render(request, "tenants/approvals/_bulk.html", _selection(request, request.GET))


@login_required
@require_POST
def decide(request: UserHttpRequest) -> HttpResponse:
    """Decide the selected requests, each by itself: one that cannot be decided any more keeps no other from it."""
    _require_somewhere(request.user)
    context = _selection(request, request.POST)
    comment = request.POST.get("comment", "").strip()
    done = []
    for item in context["items"]:
        try:
            if context["decision"] == "approve":
                asked = {line.kind: line.asked for line in item.request.lines.all()}
                requests.approve(request.user, item.request, asked, expires_at=_expiry(request), comment=comment)
            else:
                requests.reject(request.user, item.request, comment)
        except PortalError as error:
            done.append((item, error.detail))
        else:
            done.append((item, ""))
    done += context["left_out"]
    return render(request, "tenants/approvals/_bulk.html", context | {"done": done})


def tabs(user: User) -> list[tuple[str, str, int | None]]:
    """Return the inbox's tabs: name, label, how many are open; None where that says nothing."""
    labels = {"waiting": _("Waiting for you"), "mine": _("Asked by me"), "history": _("History")}
    counts = {"waiting": requests.waiting_for(user).count(), "mine": _open(requests.asked_by(user)).count()}
    return [(name, label, counts.get(name)) for name, label in labels.items()]


def _listed(request: UserHttpRequest, current: UUID | None = None) -> dict[str, Any]:
    """Return the list of the tab that the URL names; `current` is the request shown beside it."""
    user, wanted = request.user, request.GET.get("tab", "")
    tab = wanted if wanted in TABS else "waiting"
    page = Paginator(_rows(TABS[tab](user)), PER_PAGE).get_page(request.GET.get("page"))
    return {
        "tab": tab,
        "tabs": tabs(user),
        "page": page,
        "items": [Item(row) for row in page.object_list],
        "deciding": somewhere(user, "quota.approve"),
        "current": current,
        "refresh": f"/approvals?tab={tab}&page={page.number}&shown={current or ''}",
    }


def _rows(rows: "QuerySet[QuotaRequest]") -> "QuerySet[QuotaRequest]":
    return rows.select_related("tenant", "requester", "decided_by").prefetch_related("lines")


def _open(rows: "QuerySet[QuotaRequest]") -> "QuerySet[QuotaRequest]":
    return rows.filter(status=QuotaRequest.Status.PENDING)


def _one(request: UserHttpRequest, row: QuotaRequest | None, **more: Any) -> dict[str, Any]:
    """Return what one request's side of the page needs."""
    tomorrow = timezone.localdate() + timedelta(days=1)
    return {"shown": row and Shown.of(request.user, row, **more), "tomorrow": tomorrow.isoformat()}


def _show(request: UserHttpRequest, row: QuotaRequest, *, error: PortalError | None = None) -> HttpResponse:
    """Show a request, with what is typed and the refusal where there is one."""
    row.refresh_from_db()
    pending = row.status == QuotaRequest.Status.PENDING
    granted = _typed(request.POST, row) if error and pending and "comment" in request.POST else None
    context = _one(request, row, granted=granted)
    if error:
        context |= {"problem": error.detail, "problem_field": error.field, "typed": request.POST}
    status = error.status.value if error else 200
    if "HX-Request" in request.headers:
        tab = request.GET.get("tab", "waiting")
        return render(request, "tenants/approvals/_detail.html", context | {"tab": tab}, status=status)
    return render(
        request, "tenants/approvals/page.html", _listed(request, row.pk) | context | {"chosen": True}, status=status
    )


def _visible(request: UserHttpRequest, pk: UUID) -> QuotaRequest:
    return get_object_or_404(_rows(requests.visible_to(request.user)), pk=pk)


def _back(request: HttpRequest, row: QuotaRequest) -> HttpResponse:
    """Show the request as it is now, beside the tab from which one came."""
    tab = request.POST.get("tab", "")
    response = redirect("approval", row.pk)
    response.headers["Location"] += f"?tab={tab}" if tab in TABS else ""
    return response


def _selection(request: UserHttpRequest, query: Any) -> dict[str, Any]:
    """Return the requests of `?id=…`: those that the person may decide, and why not the others."""
    ids = [pk for text in query.getlist("id")[:AT_ONCE] if (pk := _uuid(text))]
    shown = [Item(row) for row in _rows(requests.visible_to(request.user)).filter(pk__in=ids)]
    reasons = {item.pk: _why_not(request.user, item) for item in shown}
    items = [item for item in shown if not reasons[item.pk]]
    return {
        "decision": "reject" if query.get("decision") == "reject" else "approve",
        "items": items,
        "left_out": [(item, reasons[item.pk]) for item in shown if reasons[item.pk]],
        "total": _total(items),
    }


def _require_somewhere(user: User) -> None:
    if not somewhere(user, "quota.approve"):
        require(user, "quota.approve", None)


def _why_not(user: User, item: Item) -> str:
    decision = requests.may_decide(user, item.request)
    return "" if decision else decision.reason


def _total(items: list[Item]) -> list[tuple[str, int]]:
    """Return what all of them ask for together, by kind."""
    total: dict[str, int] = {}
    for item in items:
        for line in item.request.lines.all():
            total[line.get_kind_display()] = total.get(line.get_kind_display(), 0) + line.asked
    return [(label, amount) for label, amount in total.items() if amount]


def _typed(query: Any, row: QuotaRequest) -> dict[str, int]:
    """Return the amounts as typed so far; what is no number, or is not there, counts as all that is asked."""
    amounts = {}
    for line in row.lines.all():
        typed = _whole(query.get(f"granted-{line.kind}", ""))
        amounts[line.kind] = line.asked if typed is None else min(typed, line.asked)
    return amounts


def _amounts(request: HttpRequest, row: QuotaRequest) -> dict[str, int]:
    """Return the amounts to grant. Raises Invalid for what is no whole number."""
    amounts = {}
    for line in row.lines.all():
        text = request.POST.get(f"granted-{line.kind}", str(line.asked))
        if (amount := _whole(text)) is None:
            raise Invalid("error.number_wrong", field=f"granted-{line.kind}", value=text[:40])
        amounts[line.kind] = amount
    return amounts


def _expiry(request: HttpRequest) -> datetime | None:
    """Return when a grant ends: None for good. Raises Invalid for a day that is none."""
    chosen = request.POST.get("expires", "")
    if chosen in PRESETS:
        return timezone.now() + timedelta(days=int(chosen))
    if chosen != "date":
        return None
    text = request.POST.get("until", "")
    try:
        return timezone.make_aware(datetime.combine(date.fromisoformat(text), time.max))
    except ValueError as error:
        raise Invalid("error.day_wrong", field="until", value=text[:40]) from error


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None  # noqa: PLR2004 - fits the column


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
