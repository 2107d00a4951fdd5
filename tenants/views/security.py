"""Proving again who one is, and the page of one's second factors."""

from typing import Any

from allauth.account.forms import ReauthenticateForm as PasswordForm
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView
from allauth.core.internal import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import ReauthenticateWebAuthnForm as KeyForm
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from pks_portal.errors import Conflict
from tenants import audit, factors, mfa, sso, stepup
from tenants.http import UserHttpRequest, needs_cache
from tenants.mfa_forms import CodeAgainForm
from tenants.models import User

FORMS = {"password": PasswordForm, "code": CodeAgainForm, "credential": KeyForm}
"""By the field that a form sends: how one proves who one is."""


class SignIn(LoginView):  # type: ignore[misc]  # allauth has no types
    """The sign-in page, with the outside provider where there is one."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "outside": sso.providers()}


sign_in = SignIn.as_view()


@needs_cache
@login_required
@never_cache
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("password", "code", "credential")
def confirm(request: UserHttpRequest) -> HttpResponse:
    """Ask who one is again: by the password, a code or a key. To scripts it is a dialog; 204 says that all is well."""
    fragment = "HX-Request" in request.headers
    forms = {name: FORMS[name](user=request.user) for name in ways(request.user)}
    if request.method == "POST":
        name = next((name for name in forms if name in request.POST), "")
        if name and _proved(request, name, forms):
            return HttpResponse(status=204) if fragment else _on(request)
    elif fragment and stepup.is_fresh(request):
        return HttpResponse(status=204)
    context = {
        "forms": forms,
        "form": next((form for form in forms.values() if form.is_bound), forms.get("password")),
        "keys": {"options": webauthn.begin_authentication(request.user)} if "credential" in forms else None,
        "outside": sso.providers(request.user),
        "next": get_next_redirect_url(request) or "",
    }
    template = "account/_confirm.html" if fragment else "account/reauthenticate.html"
    return render(request, template, context, status=422 if fragment and request.method == "POST" else 200)


def ways(user: User) -> list[str]:
    """Return the fields by which a person can prove who they are."""
    found = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    known = {"credential": "webauthn" in found, "code": bool(found & {"totp", "recovery_codes"})}
    return [*[name for name, there in known.items() if there], *(["password"] if user.has_usable_password() else [])]


def _proved(request: UserHttpRequest, name: str, forms: dict[str, Any]) -> bool:
    """Check what was sent, note it in the session and on record; a refusal stays in the form."""
    form = forms[name] = FORMS[name](request.POST, user=request.user)
    if not ratelimit.consume(request, app="allauth.account", action="reauthenticate", user=request.user):
        form.add_error(None, _("Too many attempts. Wait a minute."))
    if not form.is_valid():
        return False
    if name == "password":
        reauthenticate_by_password(request)
    else:
        form.save()
    audit.record(request.user, "session.confirm", request.user, by=name)
    return True


def _on(request: UserHttpRequest) -> HttpResponse:
    return HttpResponse(status=302, headers={"Location": get_next_redirect_url(request) or "/"})


@login_required
@require_safe
def security(request: UserHttpRequest) -> HttpResponse:
    """Show the person's second factors, and whether one is missing."""
    rows = Authenticator.objects.filter(user=request.user).order_by("created_at")
    codes = next((row.wrap() for row in rows if row.type == "recovery_codes"), None)
    context = {
        "app": next((row for row in rows if row.type == "totp"), None),
        "keys": [row for row in rows if row.type == "webauthn"],
        "codes_left": len(codes.get_unused_codes()) if codes else None,
        "required": factors.must_have_second_factor(request.user),
        "outside": sso.providers(request.user),
        "next": get_next_redirect_url(request) or "",
    }
    context["missing"] = context["required"] and not (context["app"] or context["keys"])
    return render(request, "mfa/index.html", context)


class RemoveKey(RemoveWebAuthnView):  # type: ignore[misc]  # allauth has no types
    """Ask, then remove a security key; not the last factor of somebody who must have one."""

    def form_valid(self, form: Any) -> HttpResponse:
        if not mfa.MFAAdapter().can_delete_authenticator(self.get_object()):
            raise Conflict("error.mfa_last", link="/accounts/security/")
        answer: HttpResponse = super().form_valid(form)
        return answer
