"""Pages of automation: a tenant's service accounts, and tokens, theirs and one's own."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from pks_portal.errors import Invalid, PortalError
from tenants.access import may, require, tenants_where
from tenants.automation import accounts, tokens
from tenants.http import UserHttpRequest
from tenants.models import ApiToken, Role, ServiceAccount, Tenant, User
from tenants.scopes import ABOUT, Scope
from tenants.stepup import step_up

SOON = timedelta(days=14)
DAYS = (7, 30, 90)


@login_required
@require_safe
def automation(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Show a tenant's service accounts with their tokens."""
    return _page(request, _tenant(request, slug))


@login_required
@require_POST
@step_up
def create_account(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Make a service account."""
    tenant = _tenant(request, slug)
    wish = accounts.Wish(*(request.POST.get(name, "").strip() for name in ("name", "role", "about")))
    try:
        accounts.create(request.user, tenant, wish)
    except ValidationError as error:
        return _page(request, tenant, status=422, problem=" ".join(error.messages), typed=request.POST)
    except PortalError as error:
        return _page(request, tenant, status=error.status, problem=error.detail, typed=request.POST)
    return redirect("automation", slug)


@login_required
@require_POST
@step_up
def change_account(request: UserHttpRequest, slug: str, name: str) -> HttpResponse:
    """Give a service account another role, stop it, or let it go on."""
    account = _account(request, slug, name)
    if "role" in request.POST:
        accounts.set_role(request.user, account, request.POST["role"])
    else:
        accounts.set_disabled(request.user, account, disabled=request.POST.get("disabled") == "1")
    return redirect("automation", slug)


@login_required
@require_POST
@step_up
def delete_account(request: UserHttpRequest, slug: str, name: str) -> HttpResponse:
    """Delete a service account with its tokens."""
    accounts.delete(request.user, _account(request, slug, name))
    return redirect("automation", slug)


@login_required
@require_POST
@step_up
def issue_for_account(request: UserHttpRequest, slug: str, name: str) -> HttpResponse:
    """Issue a token of a service account and show it in the dialog that asks for it, once."""
    return _issue(request, _account(request, slug, name).user)


@login_required
@require_POST
@step_up
def issue_own(request: UserHttpRequest) -> HttpResponse:
    """Issue a token of one's own and show it in the dialog that asks for it, once."""
    return _issue(request, request.user)


@login_required
@require_POST
@step_up
def rotate(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Give a token a new secret and show it in the dialog that asks for it, once."""
    token, stamp = _token(request, pk), request.POST.get("stamp")
    try:
        text = tokens.rotate(request.user, token, grace_hours=_number(request, "grace_hours"), stamp=stamp)
    except PortalError as error:
        return _refused(request, error, f"rotate-{pk}")
    return _shown(request, token, text, f"rotate-{pk}")


@login_required
@require_POST
def revoke(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """End a token at once; that needs no confirmation of who one is, so that nothing delays it."""
    token = _token(request, pk)
    tokens.revoke(request.user, token)
    return redirect(_home(token))


def own_tokens(request: UserHttpRequest) -> dict[str, Any]:
    """Return what the profile shows of one's own tokens."""
    return {"tokens": request.user.api_tokens.all(), **_choices(request.user.kind)}


def _issue(request: UserHttpRequest, owner: User) -> HttpResponse:
    dialog = f"token-{owner.pk}"
    networks = request.POST.get("networks", "").replace(",", " ").split()
    name, scopes = request.POST.get("name", "").strip()[:60], request.POST.getlist("scopes")
    try:
        wish = tokens.Wish(name, scopes, _number(request, "days"), networks)
        token, text = tokens.issue(request.user, owner, wish)
    except PortalError as error:
        return _refused(request, error, dialog)
    return _shown(request, token, text, dialog)


def _shown(request: UserHttpRequest, token: ApiToken, text: str, dialog: str) -> HttpResponse:
    """Show a token's text in its dialog; without script, on a page that reloading does not make again."""
    context = {
        "token": token, "text": text, "dialog": dialog, "back": _home(token),
        "curl": f'curl -H "Authorization: Bearer $PKS_TOKEN" {settings.PUBLIC_URL}/api/v1/me',
        "pks": f"pks login -a {settings.PUBLIC_URL} --token-stdin",
    }  # fmt: skip
    template = "tenants/automation/_shown.html" if "HX-Request" in request.headers else "tenants/automation/shown.html"
    response = render(request, template, context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _home(token: ApiToken) -> str:
    """Return the page that lists the token."""
    tenant = tokens.tenant_of(token.user)
    return reverse("automation", args=[tenant.slug]) if tenant else reverse("profile")


def _refused(request: UserHttpRequest, error: PortalError, dialog: str) -> HttpResponse:
    if "HX-Request" not in request.headers:
        raise error
    context = {"error": error, "dialog": dialog}
    return render(request, "tenants/automation/_refused.html", context, status=error.status)


def _page(request: UserHttpRequest, tenant: Tenant, status: int = 200, **more: Any) -> HttpResponse:
    rows = accounts.accounts_of(request.user, tenant)
    context = {
        "tenant": tenant, "accounts": rows, "roles": _roles(request.user, tenant),
        "manage": may(request.user, "token.manage", tenant), **_choices(User.Kind.SERVICE), **more,
    }  # fmt: skip
    return render(request, "tenants/automation/page.html", context, status=status)


def _roles(user: User, tenant: Tenant) -> list[tuple[str, str]]:
    """Return the roles that the user may give."""
    return [(role.value, str(role.label)) for role in Role if accounts.may_give(user, tenant, role)]


def _choices(kind: str) -> dict[str, Any]:
    offered = [(scope, ABOUT[scope]) for scope in tokens.scopes_for(kind)]
    days = [number for number in DAYS if number <= tokens.longest_days()] or [tokens.longest_days()]
    return {
        "scopes": offered, "read": Scope.READ, "days": days, "graces": (0, 1, 4, 24), "soon": timezone.now() + SOON,
        "now": timezone.now(),
    }  # fmt: skip


def _tenant(request: UserHttpRequest, slug: str) -> Tenant:
    """Return the tenant: 404 for whoever does not see it, 403 for whoever may not see its automation."""
    tenant = get_object_or_404(tenants_where(request.user, "tenant.view"), slug=slug)
    require(request.user, "token.view", tenant)
    return tenant


def _account(request: UserHttpRequest, slug: str, name: str) -> ServiceAccount:
    return get_object_or_404(accounts.accounts_of(request.user, _tenant(request, slug)), name=name)


def _token(request: UserHttpRequest, pk: UUID) -> ApiToken:
    """Return a token of one's own, or of a service account that one may see."""
    token = get_object_or_404(ApiToken.objects.select_related("user__service_account__tenant"), pk=pk)
    tenant = tokens.tenant_of(token.user)
    mine = token.user_id == request.user.pk
    if not (mine if tenant is None else may(request.user, "token.view", tenant)):
        get_object_or_404(ApiToken.objects.none())
    return token


def _number(request: HttpRequest, field: str) -> int:
    text = request.POST.get(field, "").strip()
    if not text.isdecimal() or len(text) > 6:  # noqa: PLR2004 - more than anything here may be
        raise Invalid("error.number_wrong", field=field, value=text[:40])
    return int(text)
