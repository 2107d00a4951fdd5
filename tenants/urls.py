"""Signing in and out. Of allauth's pages only these exist: passwords and e-mail addresses are the directory's."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from allauth.socialaccount.providers.openid_connect import views as outside
from django.contrib.auth.decorators import login_required
from django.urls import path, reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from tenants import oauth, sso
from tenants.http import View, needs_cache
from tenants.stepup import step_up
from tenants.views import device, profile, security

asks = require_http_methods(["GET", "HEAD", "POST"])


def guarded(view: View) -> View:
    """Return a page of second factors, for who has signed in and proved it lately; what it shows is not kept."""
    return needs_cache(login_required(asks(never_cache(step_up(view)))))


SECURITY = reverse_lazy("mfa_index")

urlpatterns = [
    path("accounts/login/", needs_cache(security.sign_in), name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/authenticate/", needs_cache(asks(mfa.authenticate)), name="mfa_authenticate"),
    path("accounts/reauthenticate/", security.confirm, name="account_reauthenticate"),
    path("accounts/security/", security.security, name="mfa_index"),
    path("accounts/security/app/", guarded(totp.activate_totp), name="mfa_activate_totp"),
    path("accounts/security/app/remove/", guarded(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("accounts/security/keys/", guarded(webauthn.add_webauthn), name="mfa_add_webauthn"),
    path(
        "accounts/security/keys/<int:pk>/remove/",
        guarded(security.RemoveKey.as_view(success_url=SECURITY)),
        name="mfa_remove_webauthn",
    ),
    path(
        "accounts/security/keys/<int:pk>/",
        guarded(webauthn.EditWebAuthnView.as_view(success_url=SECURITY)),
        name="mfa_edit_webauthn",
    ),
    path("accounts/security/codes/", guarded(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("accounts/security/codes/new/", guarded(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("accounts/sso/<str:provider_id>/", sso.begin, name="openid_connect_login"),
    path(
        "accounts/sso/<str:provider_id>/callback/",
        needs_cache(require_safe(outside.callback)),
        name="openid_connect_callback",
    ),
    path("accounts/sso/<int:pk>/unlink/", guarded(sso.unlink), name="unlink-outside"),
    path("profile/sessions/end-others", profile.end_other_sessions, name="end-other-sessions"),
    path("profile/sign-ins/<uuid:pk>/end", profile.end_sign_in, name="end-sign-in"),
    path("accounts/device/", guarded(device.sign_in), name="device"),
    path("oauth/device", oauth.ask, name="oauth_device"),
    path("oauth/token", oauth.token, name="oauth_token"),
    path("oauth/revoke", oauth.revoke, name="oauth_revoke"),
]
