"""What scanners found: on an artifact's page, over all images, and by which databases."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from pks_portal.errors import PortalError
from pks_portal.operations.models import Operation
from pks_portal.operations.views import task_context as card_context
from registry import attached, security
from registry.attached import Form
from registry.models import AdvisoryFeed, Artifact, Sbom
from registry.scanning import intake, rejudging, scans
from registry.severity import Severity
from registry.views import finding
from registry.views.finding import Reference
from tenants.access import may, require
from tenants.http import UserHttpRequest

PER_PAGE = 50
LEVELS = list(reversed(Severity))


def vulnerabilities_context(request: UserHttpRequest, artifact: Artifact) -> dict[str, Any]:
    """Return what the tab of vulnerabilities shows."""
    wanted = {"vulnerability": request.GET.get("q", "").strip()[:60], "severity": _severity(request)}
    rows = security.findings(Artifact.objects.filter(pk=artifact.pk), **wanted)
    if request.GET.get("package"):
        rows = rows.filter(package__icontains=request.GET["package"].strip()[:100])
    if request.GET.get("fixable") == "1":
        rows = rows.exclude(fixed_in="")
    page = Paginator(rows.order_by("-severity", "-score", "vulnerability", "id"), PER_PAGE)
    scans = list(artifact.scans.all())
    failed = [one for one in scans if one.state == one.State.ERROR]
    return {
        "page": page.get_page(request.GET.get("page")), "levels": LEVELS, "asked": request.GET, "scans": scans,
        "failed_scans": sorted(failed, key=lambda one: (one.error, one.scanner)),
        **task_context(request, artifact),
    }  # fmt: skip


def task_context(request: UserHttpRequest, artifact: Artifact) -> dict[str, Any]:
    """Return the scan that is under way with what its card needs, if one is."""
    rows = Operation.objects.visible_to(request.user, "task.view").select_related("tenant", "actor")
    task = rows.filter(subject_id=artifact.pk, status__in=Operation.UNFINISHED).first()
    return {"task": None} if task is None else card_context(request.user, task)


def packages_context(request: UserHttpRequest, artifact: Artifact) -> dict[str, Any]:
    """Return what the tab of packages shows."""
    kept = Sbom.objects.filter(artifact=artifact).first()
    wanted = request.GET.get("q", "").strip().lower()[:100]
    rows = [one for one in (kept.packages if kept else []) if wanted in one["name"].lower()]
    rows.sort(key=lambda one: (one["name"].lower(), one["version"]))
    return {"sbom": kept, "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")), "asked": request.GET}


def _severity(request: UserHttpRequest) -> Severity | None:
    word = request.GET.get("severity", "")
    return Severity.read(word) if word.upper() in Severity.__members__ else None


@login_required
@require_POST
def scan(request: UserHttpRequest, reference: str) -> HttpResponse:
    """Ask for a scan of an image."""
    from registry.views.artifacts import artifact_page  # noqa: PLC0415 - that page has the tabs of this module

    artifact = finding.artifact_of(request.user, Reference.read(reference))
    try:
        scans.ask(request.user, artifact)
    except PortalError as error:
        return artifact_page(request, artifact, status=error.status, refusal=error)
    return redirect("registry:show", f"{artifact.repository}@{artifact.digest}")


@login_required
@require_safe
def sbom(request: UserHttpRequest, reference: str) -> HttpResponse:
    """Download what an image consists of; of a pushed SBOM or attestation, its own text."""
    artifact = finding.artifact_of(request.user, Reference.read(reference))
    if artifact.kind in attached.HOLDERS:
        file = attached.file_of(artifact, request.GET.get("layer", ""))
        return HttpResponse(file.content, content_type=file.media_type, headers=file.headers)
    form = request.GET.get("form", "cyclonedx")
    document = intake.sbom_document(artifact, form)
    name = f"{artifact.repository.name.replace('/', '-')}-{artifact.short}.{'spdx' if form == 'spdx' else 'cdx'}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return JsonResponse(document, content_type=attached.JSON_TYPES[Form(form)], headers=headers)


@login_required
@require_safe
@vary_on_headers("HX-Request")
def overview(request: UserHttpRequest) -> HttpResponse:
    """Show what is known of vulnerabilities over all images that the person may see."""
    tenant = request.GET.get("tenant", "")[:40]
    rows = security.images(request.user, tenant)
    wanted = {"vulnerability": request.GET.get("q", "").strip()[:60], "severity": _severity(request)}
    wanted["package"] = request.GET.get("package", "").strip()[:100]
    found = security.findings(rows, **wanted) if any(value not in {None, ""} for value in wanted.values()) else None
    page = None
    if found is not None:
        ordered = found.order_by("-severity", "-score", "vulnerability", "id")
        page = Paginator(ordered, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "summary": security.summary(rows), "worst": security.worst(rows), "page": page, "levels": LEVELS,
        "asked": request.GET, "tenant": tenant, "databases": scans.states(), "refresh": request.get_full_path(),
    }  # fmt: skip
    fragment = "HX-Request" in request.headers
    return render(request, "registry/_security.html" if fragment else "registry/security.html", context)


@login_required
@require_safe
def scanners(request: UserHttpRequest) -> HttpResponse:
    """Show by what scanners judge, and where a database is taken in."""
    require(request.user, "scanner.view", None)
    return _scanners(request)


def _scanners(request: UserHttpRequest, *, status: int = 200, **extra: Any) -> HttpResponse:
    context = {
        "databases": scans.states(), "feeds": AdvisoryFeed.objects.all(), "kinds": intake.KINDS,
        "manage": may(request.user, "scanner.manage", None),
        "task": Operation.objects.filter(kind=rejudging.KIND, status__in=Operation.UNFINISHED).first(), **extra,
    }  # fmt: skip
    return render(request, "registry/scanners.html", context, status=status)


@login_required
@require_POST
def take_in(request: UserHttpRequest) -> HttpResponse:
    """Take in a vulnerability database."""
    require(request.user, "scanner.manage", None)
    file = request.FILES.get("file")
    if file is None:
        return _scanners(request, status=422, problem=_("Choose a file."))
    try:
        intake.take_in(request.user, request.POST.get("kind", ""), file, name=request.POST.get("name", "").strip())
    except PortalError as error:
        return _scanners(request, status=error.status, problem=error.detail)
    return redirect("registry:scanners")


@login_required
@require_POST
def scan_all(request: UserHttpRequest) -> HttpResponse:
    """Judge all images anew."""
    require(request.user, "scanner.manage", None)
    try:
        task = rejudging.ask(request.user)
    except PortalError as error:
        return _scanners(request, status=error.status, problem=error.detail)
    return redirect("operations:detail", task.pk)
