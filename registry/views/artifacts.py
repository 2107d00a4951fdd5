"""An artifact's page: whether it may be pulled, what is in it, what is known about it, how it came to be."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from pks_portal.errors import PortalError
from registry import attached, browsing, labels, pulling, removing, repositories
from registry.commands import login_command, pull_commands
from registry.models import Artifact, AttachedSbom, Project, Tag, TagChange
from registry.upkeep import copying
from registry.views import finding, scanning
from registry.views.finding import Reference
from registry.views.projects import allowances
from tenants.factors import takes_no_password_alone
from tenants.http import UserHttpRequest

TABS = ("overview", "vulnerabilities", "packages", "layers", "history", "tags", "about")
LATEST = 50
MOST_TARGETS = 200


def artifact_page(
    request: UserHttpRequest, artifact: Artifact, *, tag: str = "", status: int = 200, **extra: Any
) -> HttpResponse:
    """Render the page; `extra` carries a refused form back into it."""
    tab = extra.pop("tab", None) or request.GET.get("tab", "")
    project = artifact.repository.project
    tags = list(artifact.tags.exclude(name__regex=browsing.HANGING_TAG).order_by("-pushed_at", "name")[:200])
    named = tag or (tags[0].name if tags else "")
    context: dict[str, Any] = {
        "artifact": artifact, "repository": artifact.repository, "project": project, "tag": tag, "tags": tags,
        "tab": _tab(artifact, tab), "refresh": request.get_full_path(),
        "refusal_to_pull": pulling.refusal(artifact, project), "allowed": allowances(request, project),
        "pulls": pull_commands(request.get_host(), artifact, named), "reference": _reference(artifact),
        "sign_in": login_command(request.get_host(), request.user.username),
        "needs_token": takes_no_password_alone(request.user),
        "accessories": browsing.accessories_of(artifact), "parents": browsing.parents_of(artifact),
        "tree": browsing.tree_of(artifact) if artifact.kind == Artifact.Kind.INDEX else [],
        "history": artifact.config.get("history", []), "settings": artifact.config.get("config", {}),
        "changes": _changes(artifact, tags), "own_sboms": _own_sboms(artifact),
        **_labels(artifact), **_copying(request, artifact, named),
    }  # fmt: skip
    if context["tab"] == "vulnerabilities":
        context |= scanning.vulnerabilities_context(request, artifact)
    elif context["tab"] == "packages":
        context |= scanning.packages_context(request, artifact)
        context["pushed_sboms"] = [one for one in context["accessories"] if one.sboms.all()]
    fragment = "HX-Request" in request.headers and not extra
    template = "registry/_artifact.html" if fragment else "registry/artifact.html"
    return render(request, template, context | extra, status=status)


def _tab(artifact: Artifact, wanted: str) -> str:
    """Return which tab is shown: of an image first what is known of its vulnerabilities."""
    if wanted in TABS:
        return wanted
    return "vulnerabilities" if artifact.kind == Artifact.Kind.IMAGE and not artifact.subject else TABS[0]


def _reference(artifact: Artifact) -> str:
    return f"{artifact.repository}@{artifact.digest}"


def _labels(artifact: Artifact) -> dict[str, Any]:
    """Return the labels on an artifact, and those that may be put on it still."""
    on_it = set(artifact.labelled.values_list("label", flat=True))
    every = list(labels.usable(artifact.repository.project))
    return {
        "labels": [label for label in every if label.pk in on_it],
        "more_labels": [label for label in every if label.pk not in on_it],
    }


def _copying(request: UserHttpRequest, artifact: Artifact, tag: str) -> dict[str, Any]:
    """Return where a copy may go, and what the form for it has to begin with."""
    projects = Project.objects.visible_to(request.user, "registry.push").order_by("name")
    return {
        "targets": list(projects.values_list("name", flat=True)[:MOST_TARGETS]),
        "copy_to": {"repository": "", "name": artifact.repository.name, "tag": tag},
    }


def _own_sboms(artifact: Artifact) -> list[AttachedSbom]:
    return list(artifact.sboms.exclude(form="")) if artifact.kind in attached.HOLDERS else []


def _changes(artifact: Artifact, tags: list[Tag]) -> Any:
    names = [tag.name for tag in tags]
    return TagChange.objects.filter(repository=artifact.repository_id, name__in=names)[:LATEST]


@login_required
@require_POST
def set_tag(request: UserHttpRequest, reference: str) -> HttpResponse:
    """Give an artifact a tag, or move one to it."""
    artifact = finding.artifact_of(request.user, Reference.read(reference))
    try:
        repositories.set_tag(request.user, artifact, request.POST.get("name", "").strip())
    except PortalError as error:
        return artifact_page(request, artifact, status=error.status, tab="tags", typed=request.POST, refusal=error)
    return redirect(_tags(artifact))


@login_required
@require_POST
def remove_tag(request: UserHttpRequest, reference: str) -> HttpResponse:
    """Take a tag away."""
    artifact = finding.artifact_of(request.user, Reference.read(reference))
    rows = Tag.objects.select_related("artifact", "repository__project__tenant")
    tag = get_object_or_404(rows, artifact=artifact, name=request.POST.get("name", "")[:128])
    try:
        removing.tag(request.user, tag)
    except PortalError as error:
        return artifact_page(request, artifact, status=error.status, tab="tags", refusal=error)
    return redirect(_tags(artifact))


@login_required
@require_POST
def copy(request: UserHttpRequest, reference: str) -> HttpResponse:
    """Copy an artifact with all that belongs to it; where that takes more than a moment, its task is shown."""
    artifact = finding.artifact_of(request.user, Reference.read(reference))
    typed = {"repository": request.POST.get("repository", "").strip(), "tag": request.POST.get("tag", "").strip()}
    try:
        copied = copying.copy(request.user, artifact, **typed)
    except PortalError as error:
        return artifact_page(request, artifact, status=error.status, copy_to=typed, copy_refusal=error)
    if copied.task is not None:
        return redirect("operations:detail", copied.task.pk)
    named = f":{typed['tag']}" if typed["tag"] else f"@{artifact.digest}"
    return redirect("registry:show", f"{typed['repository']}{named}")


@login_required
@require_POST
def delete(request: UserHttpRequest, reference: str) -> HttpResponse:
    """Delete an artifact with its tags and what is about it."""
    artifact = finding.artifact_of(request.user, Reference.read(reference))
    try:
        removing.artifact(request.user, artifact)
    except PortalError as error:
        return artifact_page(request, artifact, status=error.status, refusal=error)
    return redirect("registry:show", str(artifact.repository))


def _tags(artifact: Artifact) -> str:
    return f"/images/{_reference(artifact)}?tab=tags"
