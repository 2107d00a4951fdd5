"""REST: the service accounts of a tenant, and their tokens."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal.errors import NotFound
from pks_portal.pages import CursorPages
from tenants.access import tenants_where
from tenants.api.tokens import TokensViewSet
from tenants.automation import accounts
from tenants.http import StrictSerializer, UserRequest
from tenants.models import Role, ServiceAccount, Tenant, User


class ServiceAccountSerializer(serializers.ModelSerializer[ServiceAccount]):
    username = serializers.CharField(source="user.username", help_text="How it is called in tasks and in the trail.")
    role = serializers.CharField(source="membership.role", allow_null=True, default=None)
    disabled = serializers.BooleanField()
    made_by = serializers.CharField(source="made_by.username", allow_null=True, default=None)
    tokens = serializers.SerializerMethodField()

    class Meta:
        model = ServiceAccount
        fields: ClassVar = ["name", "username", "about", "role", "disabled", "made_by", "created_at", "tokens"]

    def get_tokens(self, account: ServiceAccount) -> int:
        """Say how many tokens it has."""
        return len(account.user.api_tokens.all())


class NewServiceAccountSerializer(StrictSerializer):
    name = serializers.CharField(max_length=40)
    role = serializers.ChoiceField(choices=Role.choices)
    about = serializers.CharField(max_length=200, default="", allow_blank=True)


class ServiceAccountChangeSerializer(StrictSerializer):
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    disabled = serializers.BooleanField(required=False)


class NamePages(CursorPages):
    ordering = "name"


def _tenant(request: UserRequest, slug: str) -> Tenant:
    if (tenant := tenants_where(request.user, "tenant.view").filter(slug=slug).first()) is None:
        raise NotFound("error.not_found")
    return tenant


def _account(request: UserRequest, slug: str, name: str) -> ServiceAccount:
    rows = accounts.accounts_of(request.user, _tenant(request, slug))
    if (account := rows.filter(name=name).first()) is None:
        raise NotFound("error.not_found")
    return account


class ServiceAccountsViewSet(GenericViewSet[ServiceAccount]):
    """Programs of the tenant, each with one role there."""

    queryset = ServiceAccount.objects.none()
    serializer_class = ServiceAccountSerializer
    pagination_class = NamePages

    @extend_schema(responses=ServiceAccountSerializer(many=True))
    def list(self, request: UserRequest, tenant: str) -> Response:
        """List the tenant's service accounts."""
        page: Any = self.paginate_queryset(accounts.accounts_of(request.user, _tenant(request, tenant)))
        return self.get_paginated_response(ServiceAccountSerializer(page, many=True).data)

    @extend_schema(request=NewServiceAccountSerializer, responses={201: ServiceAccountSerializer})
    def create(self, request: UserRequest, tenant: str) -> Response:
        """Make a service account."""
        row = _tenant(request, tenant)
        data = NewServiceAccountSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        account = accounts.create(request.user, row, accounts.Wish(**data.validated_data))
        return Response(ServiceAccountSerializer(account).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses=ServiceAccountSerializer)
    def retrieve(self, request: UserRequest, tenant: str, name: str) -> Response:
        """Show a service account."""
        return Response(ServiceAccountSerializer(_account(request, tenant, name)).data)

    @extend_schema(request=ServiceAccountChangeSerializer, responses=ServiceAccountSerializer)
    def partial_update(self, request: UserRequest, tenant: str, name: str) -> Response:
        """Change the role, or stop the account and let it go on."""
        account = _account(request, tenant, name)
        data = ServiceAccountChangeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        if "role" in data.validated_data:
            accounts.set_role(request.user, account, data.validated_data["role"])
        if "disabled" in data.validated_data:
            accounts.set_disabled(request.user, account, disabled=data.validated_data["disabled"])
        return Response(ServiceAccountSerializer(_account(request, tenant, name)).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: UserRequest, tenant: str, name: str) -> Response:
        """Delete a service account with its tokens."""
        accounts.delete(request.user, _account(request, tenant, name))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ServiceAccountTokensViewSet(TokensViewSet):
    """API tokens of a service account."""

    def owner(self, request: UserRequest) -> User:
        """Return the account's user. Raises Forbidden, NotFound."""
        return _account(request, self.kwargs["tenant"], self.kwargs["name"]).user
