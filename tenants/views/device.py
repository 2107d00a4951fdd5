"""The page on which a person lets a program sign in as them: type its code, see who asks, confirm or refuse."""

from typing import Any, Final

from allauth.core.internal import ratelimit
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from tenants import audit, device
from tenants.http import UserHttpRequest

LIMIT: Final = {"app": "tenants", "action": "device.code", "config": {"device.code": "5/m/ip"}}
"""Wrong codes only: people of a company may share an address."""
ANSWERS: Final = {"confirm": device.confirm, "refuse": device.refuse}


@sensitive_post_parameters("code")
def sign_in(request: UserHttpRequest) -> HttpResponse:
    """Ask for the code, then show which program waits under it, then do what its person says; guarded by its route."""
    if request.method != "POST":
        return _page(request)
    code, answer = request.POST.get("code", "")[:40], ANSWERS.get(request.POST.get("answer", ""))
    if (attempt := ratelimit.consume(request, **LIMIT)) is None:
        return _page(request, refused=_("Too many attempts. Wait a minute."), status=429)
    asked = answer(request.user, code) if answer else device.find(code)
    if asked is None:
        return _page(
            request, refused=_("No program waits under this code. Type it as the program shows it."), status=422
        )
    attempt.rollback()
    elsewhere = asked.address != (audit.origin.get().address or "")
    return _page(request, asked=asked, code=code, answer=answer and request.POST["answer"], elsewhere=elsewhere)


def _page(request: UserHttpRequest, status: int = 200, **context: Any) -> HttpResponse:
    return render(request, "account/device.html", context, status=status)
