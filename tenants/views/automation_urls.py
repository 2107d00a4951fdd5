"""Where the pages of automation are."""

from django.urls import path

from tenants.views import automation as pages

ACCOUNT = "tenants/<slug:slug>/automation/<slug:name>"

urlpatterns = [
    path("tenants/<slug:slug>/automation", pages.automation, name="automation"),
    path("tenants/<slug:slug>/automation/new", pages.create_account, name="create-account"),
    path(f"{ACCOUNT}/change", pages.change_account, name="change-account"),
    path(f"{ACCOUNT}/delete", pages.delete_account, name="delete-account"),
    path(f"{ACCOUNT}/tokens", pages.issue_for_account, name="issue-account-token"),
    path("profile/tokens", pages.issue_own, name="issue-token"),
    path("tokens/<uuid:pk>/rotate", pages.rotate, name="rotate-token"),
    path("tokens/<uuid:pk>/revoke", pages.revoke, name="revoke-token"),
]
