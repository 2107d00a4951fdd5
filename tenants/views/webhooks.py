"""Pages of webhooks: a tenant's or the platform's, one with its deliveries, and what one does to them."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from pks_portal.errors import Conflict, PortalError
from tenants.access import may, require, tenants_where
from tenants.http import UserHttpRequest
from tenants.models import Delivery, Tenant, Webhook
from tenants.notices import narrowing, webhooks
from tenants.notices.delivering import ATTEMPTS
from tenants.notices.kinds import kinds
from tenants.stepup import step_up

PER_PAGE = 25


@login_required
@require_safe
def webhook_list(request: UserHttpRequest, slug: str | None = None) -> HttpResponse:
    """Show the webhooks of a tenant, or without one of the platform."""
    return _list(request, _tenant(request, slug))


@login_required
@require_POST
@step_up
def create(request: UserHttpRequest, slug: str | None = None) -> HttpResponse:
    """Make a webhook and show its secret, once."""
    tenant = _tenant(request, slug)
    try:
        webhook, secret = webhooks.create(request.user, tenant, **_wish(request))
    except PortalError as error:
        return _refused(request, error, "new-webhook")
    return _shown(request, webhook, secret, "new-webhook")


@login_required
@require_safe
@vary_on_headers("HX-Request")
def webhook(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Show one with its deliveries; htmx and the feed get the deliveries alone."""
    return _page(request, _webhook(request, pk))


@login_required
@require_POST
@step_up
def change(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Change the address and the events, or turn it on and off."""
    row = _webhook(request, pk)
    try:
        if "enabled" in request.POST:
            webhooks.change(request.user, row, enabled=request.POST["enabled"] == "1")
        else:
            webhooks.change(request.user, row, **_wish(request))
    except PortalError as error:
        return _page(request, row, status=error.status, problem=error, typed=request.POST)
    return redirect("webhook", pk)


@login_required
@require_POST
@step_up
def renew_secret(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Make a new secret and show it, once."""
    row = _webhook(request, pk)
    try:
        secret = webhooks.renew_secret(request.user, row, stamp=request.POST.get("stamp", ""))
    except PortalError as error:
        return _refused(request, error, "renew-secret")
    return _shown(request, row, secret, "renew-secret")


@login_required
@require_POST
def test(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Send a test event."""
    webhooks.test(request.user, _webhook(request, pk))
    return redirect("webhook", pk)


@login_required
@require_POST
def delete(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Remove a webhook."""
    row = _webhook(request, pk)
    webhooks.delete(request.user, row)
    return redirect("webhooks", row.tenant.slug) if row.tenant else redirect("platform-webhooks")


@login_required
@require_POST
def resend(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Send an event once more."""
    seen = webhooks.visible(request.user)
    delivery = get_object_or_404(Delivery.objects.select_related("webhook__tenant"), pk=pk, webhook__in=seen)
    with suppress(Conflict):  # it is on its way already
        webhooks.resend(request.user, delivery)
    return redirect("webhook", delivery.webhook_id)


def _wish(request: UserHttpRequest) -> dict[str, Any]:
    """Return what the form asks for."""
    said = request.POST
    return {"url": said.get("url", "").strip(), "kinds": said.getlist("kinds"), "projects": said.getlist("projects")}


def _list(request: UserHttpRequest, tenant: Tenant | None) -> HttpResponse:
    rows = webhooks.visible(request.user).filter(tenant=tenant)
    context = {
        "tenant": tenant,
        "webhooks": rows,
        "manage": may(request.user, "webhook.manage", tenant),
        "kinds": kinds(of_tenants=tenant is not None),
        "projects": narrowing.projects(tenant),
        "within": request.GET.getlist("project"),
    }
    return render(request, "tenants/webhooks/list.html", context)


def _page(request: UserHttpRequest, row: Webhook, status: int = 200, **more: Any) -> HttpResponse:
    page = Paginator(row.deliveries.all(), PER_PAGE).get_page(request.GET.get("page"))
    typed = more.get("typed")
    context = {
        "webhook": row,
        "tenant": row.tenant,
        "page": page,
        "attempts": ATTEMPTS,
        "fresh": any(one.status == Delivery.Status.WAITING and not one.attempted_at for one in page),
        "manage": may(request.user, "webhook.manage", row.tenant),
        "kinds": kinds(of_tenants=row.tenant is not None),
        "projects": sorted({*narrowing.projects(row.tenant), *row.projects}),
        "within": typed.getlist("projects") if typed else row.projects,
        "url": typed["url"] if typed and "url" in typed else row.url,
        "chosen": typed.getlist("kinds") if typed else row.kinds,
        "refresh": request.get_full_path(),
        **more,
    }
    fragment = "HX-Request" in request.headers and request.method == "GET"
    template = "tenants/webhooks/_deliveries.html" if fragment else "tenants/webhooks/page.html"
    return render(request, template, context, status=status)


def _shown(request: UserHttpRequest, row: Webhook, secret: str, dialog: str) -> HttpResponse:
    """Show a secret in its dialog; without script, on a page that reloading does not make again."""
    fragment = "HX-Request" in request.headers
    template = "tenants/webhooks/_shown.html" if fragment else "tenants/webhooks/shown.html"
    response = render(request, template, {"webhook": row, "text": secret, "dialog": dialog})
    response.headers["Cache-Control"] = "no-store"
    return response


def _refused(request: UserHttpRequest, error: PortalError, dialog: str) -> HttpResponse:
    if "HX-Request" not in request.headers:
        raise error
    context = {"error": error, "dialog": dialog}
    return render(request, "tenants/automation/_refused.html", context, status=error.status)


def _tenant(request: UserHttpRequest, slug: str | None) -> Tenant | None:
    """Return the tenant, None for the platform: 404 for whoever does not see it, 403 for who may not see webhooks."""
    tenant = get_object_or_404(tenants_where(request.user, "tenant.view"), slug=slug) if slug else None
    require(request.user, "webhook.view", tenant)
    return tenant


def _webhook(request: UserHttpRequest, pk: UUID) -> Webhook:
    row: Webhook = get_object_or_404(webhooks.visible(request.user), pk=pk)
    return row
