"""Getting kubeconfigs: of one cluster from its page, or one file for several. Each is handed over once."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_POST

from clusters import credentials, fleet, recipes, wallet
from clusters.models import Cluster, Kubeconfig
from clusters.views import detail, offering
from pks_portal.errors import Invalid, PortalError
from tenants import stepup
from tenants.http import UserHttpRequest
from tenants.models import User

OFFERED = 100  # clusters on the form beside those that were ticked in the list
Kind = Kubeconfig.Kind
LOGIN = f"pks login -a {settings.PUBLIC_URL}"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the form asks for."""

    kind: str
    level: str
    hours: int

    @property
    def sensitive(self) -> bool:
        return credentials.is_sensitive(self.kind, self.level)


@dataclass(frozen=True, slots=True)
class Choice:
    """A cluster on the form: whether it is ticked, and why it cannot be (empty: it can)."""

    cluster: Cluster
    ticked: bool
    why: str


@login_required
@require_POST
def issue_kubeconfig(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Issue a kubeconfig and hand it over once: as a file, or with `as=show` inside the dialog that asks for it.

    No page of its own shows it: reloading that page would issue another one.
    """
    rows = Cluster.objects.visible_to(request.user, "cluster.view")
    cluster = get_object_or_404(rows.select_related("tenant", "plan", "cloud", "created_by"), pk=pk)
    try:
        if (wish := _wish(request)).sensitive and not stepup.is_fresh(request):
            return stepup.ask(request)
        row, text = credentials.issue_kubeconfig(
            request.user, cluster, level=wish.level, hours=wish.hours, kind=wish.kind
        )
    except PortalError as error:
        if "HX-Request" in request.headers:
            return render(request, "clusters/_kubeconfig_refused.html", {"error": error}, status=error.status)
        return detail.show(request, cluster, status=error.status, refusal=error)
    name = recipes.filename(cluster, row.level if row.kind == Kind.CERTIFICATE else row.kind, row.pk)
    return _handed(request, text, name, {"kubeconfig": row, "cluster": cluster, "refused": []})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_kubeconfig(request: UserHttpRequest) -> HttpResponse:
    """Ask for one kubeconfig for several clusters (?cluster=… ticks them), and hand it over once."""
    if request.method != "POST":
        return _form(request, set(request.GET.getlist("cluster")))
    chosen = request.POST.getlist("cluster")
    try:
        if (wish := _wish(request)).sensitive and not stepup.is_fresh(request):
            return stepup.ask(request)
        made = credentials.issue_merged(
            request.user, _chosen(request.user, chosen), level=wish.level, hours=wish.hours, kind=wish.kind
        )
    except PortalError as error:
        if "HX-Request" in request.headers:
            return render(request, "clusters/_kubeconfig_refused.html", {"error": error}, status=error.status)
        return _form(request, set(chosen), status=error.status, refusal=error)
    context = {"kubeconfig": made.rows[0], "rows": made.rows, "refused": credentials.told(made.refused)}
    return _handed(request, made.text, f"clusters-{uuid4().hex[:6]}.kubeconfig", context)


def _wish(request: UserHttpRequest) -> Wish:
    """Read the form; the lives that a certificate for administrators may have are a field of their own."""
    kind, level = request.POST.get("kind", Kind.CERTIFICATE), request.POST.get("level", "")
    field = "hours_admin" if credentials.is_sensitive(kind, level) and "hours_admin" in request.POST else "hours"
    text = request.POST.get(field, "").strip()
    if not (text.isascii() and text.isdecimal()) or len(text) > 6:  # noqa: PLR2004 - more than any may live
        raise Invalid("error.number_wrong", field="hours", value=text[:40])
    return Wish(kind, level, int(text))


def _chosen(user: User, ids: list[str]) -> list[Cluster]:
    """Return the clusters that were ticked and can be seen, by name; what is no id counts as not seen."""
    rows = Cluster.objects.visible_to(user, "cluster.view").select_related("tenant", "plan", "cloud")
    wanted = [pk for pk in map(wallet.uuid_or_none, ids) if pk]
    return list(rows.prefetch_related("pools").filter(pk__in=wanted))


def _form(request: UserHttpRequest, ticked: set[str], status: int = 200, **more: Any) -> HttpResponse:
    rows = wallet.getting(request.user, request.GET.get("tenant", ""))
    first = [pk for pk in map(wallet.uuid_or_none, ticked) if pk]
    clusters = [*rows.filter(pk__in=first), *rows.exclude(pk__in=first)[:OFFERED]]
    offered = [Choice(cluster, str(cluster.pk) in ticked, _why_not(cluster)) for cluster in clusters]
    context = {"clusters": offered, "most": credentials.MOST_AT_ONCE, **offering.choices(request.user, clusters)}
    return render(request, "clusters/new_kubeconfig.html", {**context, **more}, status=status)


def _why_not(cluster: Cluster) -> str:
    if not fleet.engine_of(cluster.cloud).capabilities().credentials:
        return Invalid("simulated.no_kubeconfig", name=cluster.name).detail
    return "" if cluster.endpoint else Invalid("error.no_api_yet", name=cluster.name).detail


def _handed(request: UserHttpRequest, text: str, name: str, context: dict[str, Any]) -> HttpResponse:
    """Hand a kubeconfig over; where clusters are missing from it, on the page, which says so beside it."""
    missing = "".join(f"# not in it: {one['tenant']}/{one['name']}\n" for one in context["refused"])
    text = missing + recipes.readable(text)
    script = "HX-Request" in request.headers
    if script and (request.POST.get("as") == "show" or context["refused"]):
        shown = {"text": text, "filename": name, "command": recipes.kubectl(name), "login": LOGIN, **context}
        response = render(request, "clusters/_kubeconfig_shown.html", shown)
    else:
        response = HttpResponse(text, content_type="application/yaml")
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
