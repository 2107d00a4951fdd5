"""Ask for a cluster: the form, its preview while one types, and the check of the name."""

from typing import Any
from uuid import UUID, uuid4

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from clusters import fleet, held, recipes, services, versions
from clusters.browsing import may_create
from clusters.engines.local import binaries
from clusters.forms import NewClusterForm, name_error
from clusters.models import Cloud
from clusters.views import asking
from clusters.views.asking import Asking
from pks_portal.errors import Forbidden, PortalError, QuotaExceeded
from tenants.access import tenants_where
from tenants.http import UserHttpRequest

SAID_BESIDE = {"name", "labels", "external_hostname"}  # fields whose complaint appears beside them while one types
PREVIEWED = {"tenant", "plan", "nodes", "version", "cloud", "labels", "external_hostname"}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def cluster_create(request: UserHttpRequest) -> HttpResponse:
    """Ask for a new cluster; a refusal is shown on the form, which keeps all that was typed."""
    form = NewClusterForm(request.POST or None, user=request.user, tenant=request.GET.get("tenant"))
    if not form.fields["tenant"].queryset.exists():  # type: ignore[attr-defined]
        _refuse(request)
    error = None
    if request.method == "POST" and form.is_valid():
        key = form.cleaned_data["key"]
        try:
            return redirect(*_made(request, form, key))
        except (PortalError, ValidationError) as exc:
            error = exc if isinstance(exc, PortalError) else None
            if not isinstance(exc, QuotaExceeded) and getattr(exc, "field", "") != "reason":
                form.refuse(exc)
    context: dict[str, Any] = {"form": form, "refusal": error, "clouds": _clouds(), "said": error}
    context |= _preview(request, form, tried=form.is_bound)
    if context.get("asking"):
        context |= _not_asked_yet(error)
    elif isinstance(error, QuotaExceeded):
        form.refuse(error)  # something else stands in the way too
    if form.errors and not context["change"]:
        context["problems"] = [_("Correct what is marked to see it.")]  # the field says it already
    return render(request, "clusters/create.html", context, status=422 if form.errors or error else 200)


def _made(request: UserHttpRequest, form: NewClusterForm, key: str) -> tuple[str, UUID]:
    """Create the cluster, or hold the wish where the form was sent as a request; return the page that shows it."""
    user, tenant, wish = request.user, form.cleaned_data["tenant"], form.wish()
    if asked := asking.sent(request.POST):
        try:
            task, _request = held.create_cluster(user, tenant, wish, asked, request_key=key)
        except PortalError as error:
            if not asking.needless(error):
                raise
        else:
            return "operations:detail", task.pk
    _task, cluster = services.create_cluster(user, tenant, wish, request_key=key)
    return "clusters:detail", cluster.pk


def _not_asked_yet(error: PortalError | None) -> dict[str, Any]:
    """Return what the form says of a wish over the quota: that it is one is no error, a missing reason is."""
    if error is not None and error.field == "reason":
        return {"refusal": None, "said": error, "reason_problem": error.detail}
    return {"refusal": None if isinstance(error, QuotaExceeded) else error}


@login_required
@require_safe
def create_preview(request: UserHttpRequest) -> HttpResponse:
    """Say what the wish as typed so far would do."""
    form = NewClusterForm(request.GET, user=request.user)
    return render(request, "clusters/_preview.html", {"swap": True, "form": form} | _preview(request, form, tried=True))


@login_required
@require_safe
def check_name(request: UserHttpRequest) -> HttpResponse:
    """Say whether the tenant may have a cluster of the name."""
    tenant = tenants_where(request.user, "cluster.create").filter(slug=request.GET.get("tenant")).first()
    name = request.GET.get("name", "")
    context = {"name": name, "problem": name_error(tenant, name) if name else ""}
    return render(request, "clusters/_name.html", context)


def _preview(request: UserHttpRequest, form: NewClusterForm, *, tried: bool) -> dict[str, Any]:
    """Return the preview's context; of the untouched form, what its initial values would do."""
    if not tried:
        values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
        values |= {name: getattr(values[name], "slug", "") for name in ("tenant", "cloud")}
        form = NewClusterForm(values, user=request.user)
    form.is_valid()
    if PREVIEWED - form.cleaned_data.keys():
        problems = _complaints(form) or [_("Correct what is marked to see it.")]
        return {"change": None, "plan": form.cleaned_data.get("plan"), "problems": problems}
    data = form.cleaned_data
    try:  # the name is checked apart; a preview is of size and place
        name = f"preview-{uuid4().hex[:12]}"
        change = services.preview_create(request.user, data["tenant"], form.wish(name=name))
    except (PortalError, ValidationError) as error:
        return {"change": None, "plan": data["plan"], "problems": [_text(error)]}
    return {
        "change": change,
        "plan": data["plan"],
        "tenant": data["tenant"],
        "nodes": data["nodes"],
        "cloud": data["cloud"],
        "asking": Asking.of(change, form.data, nodes=data["nodes"], fewest=data["plan"].min_nodes),
        "recipe": recipes.create(form.body()),
        "version": versions.info(data["version"], timezone.localdate()),
        "programs": binaries.state(data["version"]) if data["cloud"].kind == "local" else None,
    }


def _complaints(form: NewClusterForm) -> list[str]:
    """Return what is wrong with the wish, each with its field's name, apart from what is said beside the field."""
    return [
        _("%(field)s: %(text)s") % {"field": form.fields[name].label, "text": text}
        for name, texts in form.errors.items()
        if name in form.fields and name not in SAID_BESIDE
        for text in texts
    ]


def _text(error: PortalError | ValidationError) -> str:
    return error.detail if isinstance(error, PortalError) else " ".join(error.messages)


def _clouds() -> list[tuple[Cloud, Any]]:
    """Return the enabled clouds with what their engines can do here."""
    return [(cloud, fleet.engine_of(cloud).capabilities()) for cloud in Cloud.objects.filter(enabled=True)]


def _refuse(request: UserHttpRequest) -> None:
    decision = may_create(request.user, None)
    raise Forbidden("error.forbidden", action="cluster.create", reason=decision.reason)
