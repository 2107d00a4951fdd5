"""Pages of notices: the bell's panel, all of one's own, reading them, and which come by mail."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from tenants.http import UserHttpRequest
from tenants.notices import mail, reading
from tenants.notices.kinds import kinds

PER_PAGE, IN_PANEL = 30, 12


@login_required
@require_safe
@vary_on_headers("HX-Request")
def notices(request: UserHttpRequest) -> HttpResponse:
    """Show all of one's notices; htmx and the feed get the changing part alone."""
    rows = reading.of(request.user)
    only_unread = request.GET.get("state") == "unread"
    page = Paginator(rows.filter(read_at=None) if only_unread else rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "days": reading.days(page.object_list),
        "only_unread": only_unread,
        "unread": reading.unread(request.user),
        "refresh": request.get_full_path(),
    }
    if "HX-Request" in request.headers:
        return render(request, "tenants/notices/_list.html", context)
    off = mail.off(request.user)
    choices = [(kind, kind.code not in off) for kind in kinds(for_people=True)]
    return render(request, "tenants/notices/page.html", context | {"choices": choices, "mail": mail.configured()})


@login_required
@require_safe
def panel(request: UserHttpRequest) -> HttpResponse:
    """Return what the bell shows: the newest notices."""
    return _panel(request)


@login_required
@require_safe
def follow(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Lead to what a notice is about; it is read then."""
    notice = get_object_or_404(reading.of(request.user), pk=pk)
    if request.method == "GET":
        reading.read(notice)
    return redirect(notice.link or "notices")


@login_required
@require_POST
def read(request: UserHttpRequest, pk: UUID) -> HttpResponse:
    """Mark one as read and stay."""
    reading.read(get_object_or_404(reading.of(request.user), pk=pk))
    return redirect("notices")


@login_required
@require_POST
def read_all(request: UserHttpRequest) -> HttpResponse:
    """Mark all as read."""
    reading.read_all(request.user)
    return _panel(request) if "HX-Request" in request.headers else redirect("notices")


@login_required
@require_POST
def choose_mail(request: UserHttpRequest) -> HttpResponse:
    """Keep which kinds come by mail: those that are ticked."""
    mail.choose(request.user, request.POST.getlist("kinds"))
    return redirect("notices")


def _panel(request: UserHttpRequest) -> HttpResponse:
    days = reading.days(reading.of(request.user)[:IN_PANEL])
    return render(request, "tenants/notices/_panel.html", {"days": days})
