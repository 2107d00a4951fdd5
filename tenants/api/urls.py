"""REST routes of tenants that are no plain router's."""

from typing import Any

from django.urls import path

from tenants.api.members import GroupsViewSet, MembersViewSet
from tenants.api.service_accounts import ServiceAccountsViewSet, ServiceAccountTokensViewSet
from tenants.api.tokens import TokensViewSet
from tenants.api.webhooks import DeliveryViewSet

LIST: dict[str, Any] = {"get": "list", "post": "create"}
ACCOUNTS = "tenants/<slug:tenant>/service-accounts"
DELIVERIES = "webhooks/<uuid:webhook>/deliveries"
TOKENS = f"{ACCOUNTS}/<slug:name>/tokens"
MEMBERS = "tenants/<slug:tenant>/members"
GROUPS = "tenants/<slug:tenant>/groups"

urlpatterns = [
    path(MEMBERS, MembersViewSet.as_view(LIST)),
    path(f"{MEMBERS}/<int:id>", MembersViewSet.as_view({"delete": "destroy"})),
    path(f"{MEMBERS}/<str:username>/why", MembersViewSet.as_view({"get": "why"})),
    path(GROUPS, GroupsViewSet.as_view(LIST)),
    path(f"{GROUPS}/<int:id>", GroupsViewSet.as_view({"delete": "destroy"})),
    path(DELIVERIES, DeliveryViewSet.as_view({"get": "list"})),
    path(f"{DELIVERIES}/<uuid:pk>", DeliveryViewSet.as_view({"get": "retrieve"})),
    path(f"{DELIVERIES}/<uuid:pk>/resend", DeliveryViewSet.as_view({"post": "resend"})),
    path("me/tokens", TokensViewSet.as_view(LIST)),
    path("me/tokens/<uuid:token>", TokensViewSet.as_view({"delete": "destroy"})),
    path("me/tokens/<uuid:token>/rotate", TokensViewSet.as_view({"post": "rotate"})),
    path(ACCOUNTS, ServiceAccountsViewSet.as_view(LIST)),
    path(
        f"{ACCOUNTS}/<slug:name>",
        ServiceAccountsViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path(TOKENS, ServiceAccountTokensViewSet.as_view(LIST)),
    path(f"{TOKENS}/<uuid:token>", ServiceAccountTokensViewSet.as_view({"delete": "destroy"})),
    path(f"{TOKENS}/<uuid:token>/rotate", ServiceAccountTokensViewSet.as_view({"post": "rotate"})),
]
