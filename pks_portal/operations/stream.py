"""The events of a task as server-sent events, for browsers behind proxies that know no websockets."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from uuid import UUID

from channels.db import database_sync_to_async
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.views.decorators.http import require_safe

from pks_portal.operations.models import Operation
from pks_portal.operations.watching import news
from tenants.sockets import signed_in

LONGEST = 300.0  # then the browser connects again: a stream must not outlive the right to see it by much
LOOK_EVERY = 0.5
QUIET = 15.0


@require_safe
async def stream(request: HttpRequest, operation_id: UUID) -> HttpResponseBase:
    """Send what happened after `?after=` (or Last-Event-ID), and what happens, until the task ends."""
    session = request.session.session_key
    if (visible := await database_sync_to_async(_visible)(session, operation_id)) is None:
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED)
    if not visible:
        raise Http404
    text = request.headers.get("Last-Event-ID") or request.GET.get("after", "0")
    events = _events(session, operation_id, int(text) if text.isdigit() else 0, translation.get_language() or "")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingHttpResponse(events, content_type="text/event-stream", headers=headers)


async def _events(session: str | None, operation_id: UUID, after: int, language: str) -> AsyncIterator[str]:
    """Yield one event at a time; look at session and right each time."""
    deadline, spoke = time.monotonic() + LONGEST, time.monotonic()
    while time.monotonic() < deadline and await database_sync_to_async(_visible)(session, operation_id):
        fresh = await database_sync_to_async(news)(operation_id, after, language or settings.LANGUAGE_CODE)
        if fresh is None:
            return
        if fresh.seq > after:
            after, spoke = fresh.seq, time.monotonic()
            body = json.dumps({"seq": fresh.seq, "html": fresh.html, "end": fresh.ended})
            yield f"id: {fresh.seq}\ndata: {body}\n\n"
            if fresh.ended:
                return
        elif time.monotonic() - spoke > QUIET:
            spoke = time.monotonic()
            yield 'data: {"hb": 1}\n\n'
        await asyncio.sleep(LOOK_EVERY)


def _visible(session: str | None, operation_id: UUID) -> bool | None:
    """Say whether the session's person may see the task; None when the session has ended."""
    if (user := signed_in(session)) is None:
        return None
    return Operation.objects.visible_to(user, "task.view").filter(pk=operation_id).exists()
