"""A tenant's quota: limits, what is granted for a while, use, requests; asking for more, and setting the limits."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from pks_portal.errors import Invalid, PortalError
from tenants import quotas, requests
from tenants.access import may, require, tenants_where
from tenants.http import UserHttpRequest
from tenants.models import QuotaKind, QuotaLimit, QuotaRequest, Tenant
from tenants.stepup import step_up
from tenants.views.pictures import Trend
from tenants.views.shown import Item

LATEST = 10
MOST_DIGITS = 9


@login_required
@require_safe
@vary_on_headers("HX-Request")
def quota(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Show the quota; the feed reads the changing part again."""
    return _page(request, _visible(request, slug))


@login_required
@require_POST
def ask(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Ask for more than the limits, with nothing that waits for it."""
    tenant = _visible(request, slug)
    require(request.user, "quota.request", tenant)
    try:
        extra = {kind: amount for kind in QuotaKind.values if (amount := _amount(request.POST, f"extra-{kind}"))}
        reason = request.POST.get("reason", "").strip()
        made = _same(request, tenant, extra, reason) or requests.ask(request.user, tenant, extra, reason=reason)
    except PortalError as error:
        return _page(request, tenant, error=error, asking=True)
    return redirect("approval", made.pk)


@login_required
@require_POST
@step_up
def limits(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Set the base limits; an empty field is no limit."""
    tenant = _visible(request, slug)
    require(request.user, "quota.change", tenant)
    try:
        quotas.set_limits(request.user, tenant, _limits(request.POST))
    except PortalError as error:
        return _page(request, tenant, error=error, setting=True)
    return redirect("quota", tenant.slug)


@login_required
@require_safe
def preview(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Say what other base limits would change, before they are set."""
    tenant = _visible(request, slug)
    require(request.user, "quota.change", tenant)
    try:
        context: dict[str, Any] = {"changes": _changes(tenant, _limits(request.GET))}
    except Invalid as error:
        context = {"problem": error.detail}
    return render(request, "tenants/quotas/_changes.html", context)


def _same(request: UserHttpRequest, tenant: Tenant, extra: dict[str, int], reason: str) -> QuotaRequest | None:
    """Return the open request that says the same in the same words: the form was sent twice."""
    rows = requests.asked_by(request.user).filter(tenant=tenant, reason=reason, wish=None, status="pending")
    for row in rows.prefetch_related("lines"):
        if {line.kind: line.asked for line in row.lines.all()} == extra:
            return row
    return None


def _visible(request: UserHttpRequest, slug: str) -> Tenant:
    return get_object_or_404(tenants_where(request.user, "quota.view"), slug=slug)


def _page(
    request: UserHttpRequest, tenant: Tenant, *, error: PortalError | None = None, **opened: bool
) -> HttpResponse:
    user = request.user
    lines = quotas.lines(tenant)
    asked = QuotaRequest.objects.filter(tenant=tenant).select_related("tenant", "requester").prefetch_related("lines")
    context: dict[str, Any] = {
        "tenant": tenant,
        "rows": _rows(tenant, lines),
        "grants": quotas.living_grants(tenant).select_related("request"),
        "trends": _trends(tenant, lines),
        "items": [Item(row) for row in asked.order_by("-created_at")[:LATEST]],
        "may_ask": may(user, "quota.request", tenant),
        "may_set": may(user, "quota.change", tenant),
        "problem": error.detail if error else "",
        "typed": request.POST,
        "refresh": f"/tenants/{tenant.slug}/quota",
        **opened,
    }
    fragment = "HX-Request" in request.headers and request.method == "GET"
    template = "tenants/quotas/_live.html" if fragment else "tenants/quotas/page.html"
    return render(request, template, context, status=error.status.value if error else 200)


def _rows(tenant: Tenant, lines: list[quotas.Line]) -> list[dict[str, Any]]:
    """Return each kind with its base limit and what is granted on top of it."""
    base = dict(QuotaLimit.objects.filter(tenant=tenant).values_list("kind", "limit"))
    rows = []
    for line in lines:
        limit = base.get(line.kind, 0)
        granted = None if line.limit is None or limit is None else line.limit - limit
        rows.append({"line": line, "base": limit, "granted": granted})
    return rows


def _trends(tenant: Tenant, lines: list[quotas.Line]) -> list[Trend]:
    days = quotas.trend(tenant)
    return [Trend(label=line.label, days=days[line.kind], limit=line.limit) for line in lines if line.kind in days]


def _changes(tenant: Tenant, wanted: dict[str, int | None]) -> list[dict[str, Any]]:
    """Return the kinds whose base limit would change, and whether more is in use than would be allowed."""
    changes = []
    for row in _rows(tenant, quotas.lines(tenant)):
        line, after = row["line"], wanted[row["line"].kind]
        if after != row["base"]:
            whole = None if after is None else after + (row["granted"] or 0)
            short = (line.used or 0) - whole if whole is not None and (line.used or 0) > whole else 0
            changes.append({"label": line.label, "before": row["base"], "after": after, "short": short})
    return changes


def _limits(query: Any) -> dict[str, int | None]:
    """Return the base limit of each kind as typed; empty: none. Raises Invalid."""
    return {
        kind: None if not query.get(f"limit-{kind}", "").strip() else _amount(query, f"limit-{kind}")
        for kind in QuotaKind.values
    }


def _amount(query: Any, name: str) -> int:
    """Return a whole number of a form; 0 when nothing is typed. Raises Invalid for what is none."""
    text = query.get(name, "").strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise Invalid("error.number_wrong", field=name, value=text[:40])
    return int(text)
