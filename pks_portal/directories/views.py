"""Pages of directories, for those who run the platform; htmx asks for fragments of them."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pks_portal.directories import syncing
from pks_portal.directories.forms import DirectoryForm, MappingForm
from pks_portal.errors import Conflict, PortalError
from pks_portal.operations.models import Operation
from tenants import roles
from tenants.access import may, require
from tenants.directory import checking, managing, sources
from tenants.directory.comparing import Diff, held_by, mappings_of
from tenants.directory.config import normal_dn
from tenants.directory.reading import Reader
from tenants.directory.transport import Patience
from tenants.http import UserHttpRequest
from tenants.models import DirectorySource, GroupMapping, PlatformRole, Role
from tenants.stepup import step_up

GROUPS = 12
"""Groups that a search of the group browser shows; each is counted."""
PATIENCE = 20.0  # seconds that a person waits for a search
HEALTH = 1.5  # seconds for the handshake with each server
TASKS = 5
ROWS = 50
EXPIRES_SOON = 30  # days


@login_required
@require_safe
def listing(request: UserHttpRequest) -> HttpResponse:
    """List the directories in the order in which they are asked."""
    require(request.user, "directory.view", None)
    context = {"directories": sources.listed(), "manage": may(request.user, "directory.manage", None)}
    return render(request, "directories/list.html", context)


@login_required
@require_safe
def detail(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Show one directory: its servers now, its groups, its last syncs."""
    source = _source(request, slug)
    context = {
        **_facts(request, source),
        "mappings": _mappings(source),
        "tasks": Operation.objects.filter(subject_id=source.pk).prefetch_related("steps")[:TASKS],
        "trouble": _trouble(source),
    }
    return render(request, "directories/detail.html", context)


@login_required
@require_safe
def health(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Shake hands with the servers of a directory, now."""
    source = _source(request, slug)
    config = sources.config_of(source)
    asked = checking.servers(config, HEALTH) if config else []
    return render(request, "directories/_servers.html", {"source": source, "servers": asked, "soon": EXPIRES_SOON})


@login_required
@step_up
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: UserHttpRequest) -> HttpResponse:
    """Add a directory."""
    require(request.user, "directory.manage", None)
    return _form_page(request, DirectoryForm(request.POST or None))


@login_required
@step_up
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Change a directory."""
    require(request.user, "directory.manage", None)
    source = _own(request, slug)
    return _form_page(request, DirectoryForm(request.POST or None, instance=source))


@login_required
@require_POST
def check(request: UserHttpRequest) -> HttpResponse:
    """Say what is wrong with what has been typed so far; no server is asked."""
    require(request.user, "directory.manage", None)
    form = _typed(request)
    form.is_valid()
    touched = {name for name in form.fields if form.data.get(name, "").strip()}
    return render(request, "directories/_said.html", {"form": form, "touched": touched})


@login_required
@step_up
@require_POST
def try_out(request: UserHttpRequest) -> HttpResponse:
    """Test the connection with what has been typed, before it is kept."""
    require(request.user, "directory.manage", None)
    form = _typed(request)
    if not form.is_valid():
        return render(request, "directories/_tested.html", {"problems": _complaints(form)})
    try:
        report = managing.try_out(request.user, form.instance, form.uris, form.cleaned_data["bind_password"])
    except PortalError as error:
        return render(request, "directories/_tested.html", {"problems": [error.detail]})
    return render(request, "directories/_tested.html", {"report": report, "soon": EXPIRES_SOON})


@login_required
@step_up
@require_POST
def switch(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Let people sign in with it, or no longer."""
    source = _source(request, slug)
    managing.switch(request.user, source, enabled=request.POST.get("enabled") == "true")
    return redirect("directories:detail", slug)


@login_required
@step_up
@require_POST
def move(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Have a directory asked earlier or later than others."""
    source, position = _source(request, slug), request.POST.get("position", "")
    managing.move(request.user, source, int(position) if position.isdecimal() else source.position)
    return redirect("directories:list")


@login_required
@step_up
@require_POST
def remove(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Remove a directory that nobody's account is of."""
    managing.remove(request.user, _source(request, slug))
    return redirect("directories:list")


@login_required
@require_safe
def groups(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Search the directory's groups by the beginning of their names."""
    source = _source(request, slug)
    config = sources.config_of(source)
    prefix = request.GET.get("q", "").strip()[:80]
    context = {**_facts(request, source), "prefix": prefix, "most": GROUPS}
    try:
        if config is None:
            raise Conflict("error.directory_off", name=source.label)
        found = Reader(config, Patience(PATIENCE)).browse(prefix, GROUPS)
    except PortalError as error:
        return render(request, "directories/_groups.html", {**context, "error": error})
    mapped = {row.group_dn for row in mappings_of(source)}
    return render(request, "directories/_groups.html", {**context, "groups": found, "mapped": mapped})


@login_required
@require_safe
def changes(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Say what a sync would change now, without changing anything."""
    source = _source(request, slug)
    return _diff(request, source, lambda: syncing.difference(source), whole=True)


@login_required
@require_safe
def preview(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Say who would gain what by a mapping, or lose it, before it is made or undone."""
    source = _source(request, slug)
    removed = request.GET.get("remove", "")
    if removed.isdecimal():
        rows = [row for row in mappings_of(source) if str(row.pk) != removed]
        return _diff(request, source, lambda: syncing.effect(source, rows), removing=removed)
    form = MappingForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "directories/_diff.html", {"problems": _complaints(form)})
    data = form.cleaned_data
    added = GroupMapping(
        directory=source, group_dn=normal_dn(data["group_dn"]), tenant=data["tenant"], role=data["role"]
    )
    return _diff(request, source, lambda: syncing.effect(source, [*mappings_of(source), added]))


@login_required
@step_up
@require_POST
def map_group(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Have a group give a role."""
    source = _source(request, slug)
    form = MappingForm(request.POST, user=request.user)
    if not form.is_valid():
        context = {**_facts(request, source), "problems": _complaints(form)}
        return render(request, "directories/refused.html", context, status=422)
    data = form.cleaned_data
    roles.map_group(request.user, data["tenant"], data["group_dn"], data["role"], directory=source.pk)
    return redirect("directories:detail", slug)


@login_required
@step_up
@require_POST
def unmap(request: UserHttpRequest, slug: str, pk: int) -> HttpResponse:
    """Have a group give a role no longer."""
    source = _source(request, slug)
    roles.unmap(request.user, get_object_or_404(GroupMapping, pk=pk, directory=source))
    return redirect("directories:detail", slug)


@login_required
@step_up
@require_POST
def sync(request: UserHttpRequest, slug: str) -> HttpResponse:
    """Sync now; with `seen` and a reason past the brake."""
    source = _source(request, slug)
    seen, reason = request.POST.get("seen", ""), request.POST.get("reason", "")
    return redirect("operations:detail", syncing.ask(request.user, source, seen=seen, reason=reason).pk)


def _source(request: UserHttpRequest, slug: str) -> DirectorySource:
    """Return a directory to somebody who may see directories."""
    require(request.user, "directory.view", None)
    return get_object_or_404(DirectorySource, slug=slug)


def _own(request: UserHttpRequest, slug: str) -> DirectorySource:
    source = _source(request, slug)
    if source.from_environment:
        raise Conflict("error.directory_environment")
    return source


def _facts(request: UserHttpRequest, source: DirectorySource) -> dict[str, Any]:
    return {
        "source": source,
        "config": sources.config_of(source),
        "manage": may(request.user, "directory.manage", None),
        "mapping": MappingForm(user=request.user),
        "roles": Role.choices,
        "platform_roles": PlatformRole.choices,
    }


def _typed(request: UserHttpRequest) -> DirectoryForm:
    """Return the form of a directory that is being typed: of an existing one, its row with what is typed over it."""
    slug = request.POST.get("source", "")
    return DirectoryForm(request.POST, instance=_own(request, slug) if slug else None)


def _form_page(request: UserHttpRequest, form: DirectoryForm) -> HttpResponse:
    status = 200
    if form.is_bound and form.is_valid():
        try:
            saved = managing.save(request.user, form.instance, form.uris, form.cleaned_data["bind_password"])
            return redirect("directories:detail", saved.slug)
        except PortalError as error:
            form.refuse(error)
    if form.is_bound:
        status = 422
    context = {"form": form, "source": form.instance if form.instance.created_at else None}
    return render(request, "directories/form.html", context, status=status)


def _mappings(source: DirectorySource) -> list[tuple[GroupMapping, str, int]]:
    """Return the directory's mappings, each with its role in words and how many people have the role by it."""
    labels = dict([*Role.choices, *PlatformRole.choices])
    numbers = Counter((*key, via) for held in held_by(source).values() for key, via in held.items())
    return [(row, str(labels[row.role]), numbers[row.tenant_id, row.role, row.group_dn]) for row in mappings_of(source)]


def _trouble(source: DirectorySource) -> dict[str, Any] | None:
    """Return the last sync's trouble, as it is shown."""
    if not (found := source.trouble):
        return None
    error = PortalError(found["key"], **found.get("args", {}))
    return {**found, "said": error.detail, "brake": found["key"] == "error.directory_brake"}


def _diff(request: UserHttpRequest, source: DirectorySource, work: Callable[[], Diff], **more: Any) -> HttpResponse:
    context: dict[str, Any] = {**_facts(request, source), **more}
    try:
        diff = work()
    except PortalError as error:
        return render(request, "directories/_diff.html", {**context, "error": error})
    context |= {"diff": diff, "rows": diff.shown(ROWS), "more": max(0, len(diff.changes) - ROWS)}
    context |= {"seen": syncing.fingerprint(diff), "brake": syncing.is_braked(diff)}
    return render(request, "directories/_diff.html", context)


def _complaints(form: Any) -> list[str]:
    """Return what is wrong with a form, each with its field's name."""
    return [
        f"{form.fields[name].label}: {text}" if name in form.fields else str(text)
        for name, texts in form.errors.items()
        for text in texts
    ]
