"""An export as an answer that is sent while it is read."""

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from tenants.audit import exporting
from tenants.audit.filters import AuditFilters
from tenants.audit.reading import visible
from tenants.models import User


def export(request: HttpRequest, user: User, form: str, wanted: dict[str, str]) -> StreamingHttpResponse:
    """Return the trail that the person may see and wants, as a file; the export is itself on the trail."""
    last = exporting.begin(user, form, wanted)
    found = AuditFilters(wanted, visible(user))
    rows = found.qs if found.is_valid() else visible(user).none()  # not all of the trail under a filter's name
    lines = exporting.lines(rows, form, last)
    body = _in_turn(lines) if isinstance(request, ASGIRequest) else lines
    response = StreamingHttpResponse(body, content_type=exporting.FORMS[form])
    name = f"audit-{timezone.now():%Y%m%d-%H%M%S}.{form}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Audit-Head"] = str(last)
    return response


async def _in_turn(lines: Iterator[str]) -> AsyncIterator[str]:
    """Read the database in the request's thread, as Django wants it, many lines at a time."""

    def some() -> str:
        return "".join(line for _, line in zip(range(exporting.AT_ONCE), lines, strict=False))

    while piece := await sync_to_async(some)():
        yield piece
