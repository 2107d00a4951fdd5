"""The audit log: who did what, narrowed by filters in the address; and the same as a file."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from pks_portal.errors import Forbidden, Invalid
from tenants.access import may, somewhere
from tenants.audit import sealing, wording
from tenants.audit.exporting import FORMS
from tenants.audit.filters import DOORS, AuditFilters
from tenants.audit.http import export
from tenants.audit.reading import visible
from tenants.audit.vocabulary import DECLARED
from tenants.http import UserHttpRequest
from tenants.models import User

PER_PAGE = 50


@login_required
@require_safe
@vary_on_headers("HX-Request")
def audit_log(request: UserHttpRequest) -> HttpResponse:
    """Show the trail of every tenant that one may look into, or of the whole platform; the newest first."""
    _require_somewhere(request.user)
    wanted = _wanted(request.GET)
    rows = AuditFilters(wanted, visible(request.user)).qs
    if (before := request.GET.get("before", "")).isdecimal() and len(before) < 19:  # noqa: PLR2004 - as long as ids are
        rows = rows.filter(pk__lt=int(before))
        wanted["before"] = before
    entries = list(rows[: PER_PAGE + 1])
    context: dict[str, Any] = {
        "entries": entries[:PER_PAGE],
        "older": entries[PER_PAGE - 1].pk if len(entries) > PER_PAGE else None,
        "wanted": wanted,
    }
    if "HX-Request" in request.headers:
        return render(request, "tenants/audit/_table.html", context)
    last = sealing.head()
    context |= {
        "actions": sorted(((name, wording.deed(name)) for name in DECLARED), key=lambda pair: pair[1].casefold()),
        "doors": DOORS,
        "verified_at": last.verified_at,
        "fault": last.verified_fault,
    }
    return render(request, "tenants/audit/list.html", context)


@login_required
@require_POST
def audit_export(request: UserHttpRequest) -> HttpResponseBase:
    """Hand over what the filters leave, as CSV or JSON Lines."""
    _require_somewhere(request.user)
    if (form := request.POST.get("form", "")) not in FORMS:
        raise Invalid("error.audit_form", field="form", known=", ".join(FORMS))
    return export(request, request.user, form, _wanted(request.POST))


def _wanted(given: Any) -> dict[str, str]:
    return {name: given[name].strip()[:200] for name in AuditFilters.base_filters if given.get(name, "").strip()}


def _require_somewhere(user: User) -> None:
    if not somewhere(user, "audit.view"):
        raise Forbidden("error.forbidden", action="audit.view", reason=may(user, "audit.view", None).reason)
