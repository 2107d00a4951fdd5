"""A repository's page: its artifacts, and what people write about it."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from pks_portal.errors import PortalError
from registry import browsing, labels, readme, removing, repositories
from registry.commands import push_commands
from registry.models import Artifact, Repository
from registry.views import compared, finding
from registry.views.projects import allowances
from tenants.factors import takes_no_password_alone
from tenants.http import UserHttpRequest

PER_PAGE = 25
COUNTED = 10_000
TABS = ("artifacts", "compare", "readme")


class Pages(Paginator):  # type: ignore[type-arg]
    """Counts no further than COUNTED: to count a hundred thousand rows takes longer than to show a page of them."""

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[: COUNTED + 1].count()  # type: ignore[attr-defined, no-any-return]


def repository_page(
    request: UserHttpRequest, repository: Repository, *, status: int = 200, **extra: Any
) -> HttpResponse:
    """Render the page; `extra` carries a refused form back into it."""
    tab = extra.pop("tab", None) or request.GET.get("tab", "")
    if tab == "compare" and (way := compared.chosen(request, repository)) is not None:
        return way
    filters = browsing.Filters.of(request.GET)
    context: dict[str, Any] = {
        "repository": repository, "project": repository.project, "tab": tab if tab in TABS else TABS[0],
        "filters": filters, "refresh": request.get_full_path(), "kinds": browsing.KINDS,
        "allowed": allowances(request, repository.project), "host": request.get_host(),
        "needs_token": takes_no_password_alone(request.user),
        "push": push_commands(request.get_host(), repository.project.name, request.user.username),
    }  # fmt: skip
    if context["tab"] == "readme":
        context["readme"] = readme.html(repository.about)
    elif context["tab"] == "compare":
        try:
            context |= compared.compare_context(request, repository)
        except PortalError as error:
            context |= {"refusal": error, "asked": request.GET}
            status = error.status
    else:
        listed = Artifact.objects.filter(repository=repository, listed=True)
        page = Pages(filters.applied(listed), PER_PAGE).get_page(request.GET.get("page"))
        for artifact in page.object_list:
            artifact.repository = repository
        context |= {"labels": labels.usable(repository.project)}
        context |= {"page": page, "rows": browsing.rows_of(page.object_list, repository.project), "most": COUNTED}
    fragment = "HX-Request" in request.headers and not extra
    template = "registry/_repository.html" if fragment else "registry/repository.html"
    return render(request, template, context | extra, status=status)


@login_required
@require_POST
def describe(request: UserHttpRequest, reference: str) -> HttpResponse:
    """Change a repository's README."""
    repository = finding.repository_of(request.user, reference)
    try:
        repositories.describe(request.user, repository, request.POST.get("about", ""))
    except PortalError as error:
        return repository_page(request, repository, status=error.status, tab="readme", refusal=error)
    return redirect(f"{reverse('registry:show', args=[str(repository)])}?tab=readme")


@login_required
@require_POST
def delete(request: UserHttpRequest, reference: str) -> HttpResponse:
    """Delete a repository, once its name has been typed."""
    repository = finding.repository_of(request.user, reference)
    if request.POST.get("name", "").strip() != str(repository):
        text = _("Type %(name)s to confirm.") % {"name": repository}
        return repository_page(request, repository, status=422, delete_problem=text)
    try:
        removing.repository(request.user, repository)
    except PortalError as error:
        return repository_page(request, repository, status=error.status, refusal=error)
    return redirect("registry:show", repository.project.name)
