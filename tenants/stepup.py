"""Step-up: what is sensitive asks who one is again, unless that was proved within the last minutes.

Signing in proves it, and so does confirming: by the password, which the directory checks, by the second factor, or by
signing in again at the outside provider. tests/permissions/test_step_up.py lists what asks, and asks it.
"""

import re
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.http import urlencode
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from pks_portal.errors import Forbidden
from tenants.http import page_of

HEADER: Final = "X-Step-Up"
CONFIRM: Final = "/accounts/reauthenticate/"
CALLS: Final = re.compile(
    r"/api/v1/(me/tokens|people|directories|webhooks|quotas/|tenants/[^/]+/(members|groups|service-accounts|archive|restore)"
    r"|registry/projects/[^/]+/(robots|members|trusted-keys|exceptions))"
)
"""The API's counterparts of the pages that ask; a kubeconfig of level admin asks by itself."""


def is_fresh(request: HttpRequest | Request) -> bool:
    """Say whether the person of this session proved who they are within PKS_STEP_UP_MINUTES."""
    times = [record.get("at", 0) for record in get_authentication_records(request, request.user)]
    return bool(times) and time.time() - max(times) < settings.STEP_UP_SECONDS


def step_up(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a page that issues a secret or changes rights; put it under login_required.

    A page leads to the confirmation and back. A form that was sent changes nothing: to a script it is answered 401 with
    the header X-Step-Up, so that the page asks in a dialog and sends the form again, with all that was typed; without
    script one comes back to the form's page. What was sent is never kept here: it may hold secrets.
    """

    @wraps(view)
    def asking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated or is_fresh(request):
            answer: HttpResponseBase = view(request, *args, **kwargs)
            return answer
        return ask(request)

    asking.step_up = True  # type: ignore[attr-defined]
    return asking


def ask(request: HttpRequest) -> HttpResponse:
    """Return the answer that asks for a confirmation."""
    if "HX-Request" in request.headers:
        return HttpResponse(status=401, headers={HEADER: CONFIRM})
    page = request.get_full_path() if request.method in {"GET", "HEAD"} else page_of(request)
    return redirect(f"{CONFIRM}?{urlencode({REDIRECT_FIELD_NAME: page})}")


def guard(request: Request) -> None:
    """Ask the same of an API call that comes with a page's session; tokens were stepped up for when they were made.

    Raises Forbidden ("step-up-required").
    """
    if request.auth is None and not is_fresh(request):  # not by its authenticator: an Idempotency-Key hides that
        raise Forbidden("error.step_up_required", link=CONFIRM)


class Fresh(BasePermission):
    """Guards every call that issues secrets or changes rights (CALLS), whatever view answers it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return yes. Raises Forbidden ("step-up-required")."""
        if request.method not in SAFE_METHODS and CALLS.match(request.path):
            guard(request)
        return True
