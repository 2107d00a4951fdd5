"""The tab of a repository's page that compares two of its artifacts; its address names both, and can be sent on."""

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from registry import browsing, comparing
from registry.comparing import Comparison
from registry.models import Artifact, Repository, Tag
from tenants.http import UserHttpRequest

PARTS = ("vulnerabilities", "packages", "layers")
PER_PAGE = 50
OFFERED = 200
LONGEST = 128


def chosen(request: UserHttpRequest, repository: Repository) -> HttpResponse | None:
    """Return the way to the comparison of two artifacts that were ticked in the list, the older one first."""
    ticked = list(dict.fromkeys(request.GET.getlist("of")))
    if len(ticked) != 2:  # noqa: PLR2004
        return None
    rows = Artifact.objects.filter(repository=repository, digest__in=ticked).order_by("pushed_at", "id")
    digests = list(rows.values_list("digest", flat=True))
    if len(digests) != len(ticked):
        return None
    return redirect(address(repository, *digests))


def address(repository: Repository, before: str, after: str) -> str:
    """Return where two artifacts of a repository are compared."""
    query = urlencode({"tab": "compare", "before": before, "after": after})
    return f"{reverse('registry:show', args=[str(repository)])}?{query}"


def compare_context(request: UserHttpRequest, repository: Repository) -> dict[str, Any]:
    """Return what the tab shows; with only the later one named, it is compared with what was pushed before it.

    Raises NotFound.
    """
    asked = {name: request.GET.get(name, "").strip()[:LONGEST] for name in ("before", "after", "platform", "part")}
    if asked["after"] and not asked["before"]:
        earlier = comparing.one_before(comparing.named(repository, asked["after"]))
        asked["before"] = earlier.digest if earlier else ""
    context = {"asked": asked, "offered": _offered(repository), "parts": PARTS, "ticked": "of" in request.GET}
    if not (asked["before"] and asked["after"]):
        return context
    found = comparing.compare(repository, asked["before"], asked["after"], asked["platform"])
    asked["part"] = asked["part"] if asked["part"] in PARTS else PARTS[0]
    page = Paginator(_rows(found, asked["part"]), PER_PAGE).get_page(request.GET.get("page"))
    return context | {"found": found, "sides": _sides(found), "page": page}


def _offered(repository: Repository) -> list[str]:
    rows = Tag.objects.filter(repository=repository).exclude(name__regex=browsing.HANGING_TAG)
    return list(rows.order_by("-pushed_at", "name").values_list("name", flat=True)[:OFFERED])


def _sides(found: Comparison) -> list[dict[str, Any]]:
    """Return both sides with the word that a column has for each, and the tags by which people know it."""
    both = [(_("Before"), found.before), (_("After"), found.after)]
    tags = browsing.tags_by_artifact([side.named for _word, side in both])
    return [{"word": word, "side": side, "tags": tags[side.named.pk][: browsing.MOST_TAGS]} for word, side in both]


def _rows(found: Comparison, part: str) -> list[tuple[str, Any]]:
    """Return (how it differs, what) of one part, in the order in which it is shown."""
    said = getattr(found, part)
    kinds = ("added", "gone", "changed") if part == "packages" else ("added", "gone")
    return [(kind, row) for kind in kinds for row in getattr(said, kind, ())]
