"""Signing in and out. Of allauth's pages only these exist: passwords and e-mail addresses are the directory's."""

from allauth.account import views as account
from django.urls import path

from tenants import oauth
from tenants.http import needs_cache

urlpatterns = [
    path("accounts/login/", needs_cache(account.login), name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/reauthenticate/", needs_cache(account.reauthenticate), name="account_reauthenticate"),
    path("oauth/token", oauth.token, name="oauth_token"),
    path("oauth/revoke", oauth.revoke, name="oauth_revoke"),
]
