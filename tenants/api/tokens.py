"""REST: API tokens, one's own and those of service accounts."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal.errors import NotFound
from tenants.automation import tokens
from tenants.http import StrictSerializer, UserRequest
from tenants.models import ApiToken, User
from tenants.scopes import Scope


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A token as it is listed; its text is shown when it is issued or rotated, and nowhere else."""

    scopes = serializers.ListField(child=serializers.CharField())
    networks = serializers.ListField(child=serializers.CharField())
    made_by = serializers.CharField(source="made_by.username", allow_null=True, default=None)

    class Meta:
        model = ApiToken
        fields: ClassVar = [
            "id", "name", "scopes", "networks", "created_at", "made_by", "expires_at", "rotated_at", "previous_until",
            "last_used_at", "last_address",
        ]  # fmt: skip


class IssuedTokenSerializer(TokenSerializer):
    token = serializers.CharField(help_text="Shown this once.")

    class Meta(TokenSerializer.Meta):
        fields: ClassVar = [*TokenSerializer.Meta.fields, "token"]


class NewTokenSerializer(StrictSerializer):
    name = serializers.CharField(max_length=60)
    scopes = serializers.ListField(child=serializers.CharField(max_length=20), max_length=len(Scope))
    days = serializers.IntegerField(min_value=1, max_value=3650, default=30)
    networks = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=tokens.MOST_NETWORKS, default=list,
        help_text="CIDRs that it may come from; none: from anywhere.",
    )  # fmt: skip


class RotateSerializer(StrictSerializer):
    grace_hours = serializers.IntegerField(
        min_value=0, max_value=tokens.LONGEST_GRACE, default=0, help_text="For how long the secret before stays good."
    )


TOKEN = OpenApiParameter("token", OpenApiTypes.UUID, "path")


class TokensViewSet(GenericViewSet[ApiToken]):
    """API tokens of one owner. Only whoever has signed in makes and ends them: no token makes tokens."""

    queryset = ApiToken.objects.none()
    serializer_class = TokenSerializer

    def owner(self, request: UserRequest) -> User:
        """Return whose tokens these are. Raises Forbidden, NotFound."""
        tokens.may_manage(request.user, request.user)
        return request.user

    @extend_schema(responses=TokenSerializer(many=True))
    def list(self, request: UserRequest, **_names: str) -> Response:
        """List the tokens, the newest first."""
        page: Any = self.paginate_queryset(self.owner(request).api_tokens.select_related("made_by"))
        return self.get_paginated_response(TokenSerializer(page, many=True).data)

    @extend_schema(request=NewTokenSerializer, responses={201: IssuedTokenSerializer})
    def create(self, request: UserRequest, **_names: str) -> Response:
        """Issue a token. Its text is in the answer, once."""
        owner = self.owner(request)
        data = NewTokenSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        row, text = tokens.issue(request.user, owner, tokens.Wish(**data.validated_data))
        return _shown(row, text, status.HTTP_201_CREATED)

    @extend_schema(parameters=[TOKEN], request=RotateSerializer, responses=IssuedTokenSerializer)
    def rotate(self, request: UserRequest, token: UUID, **_names: str) -> Response:
        """Give the token a new secret, which is in the answer, once."""
        row = self._row(request, token)
        data = RotateSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        text = tokens.rotate(request.user, row, **data.validated_data)
        row.refresh_from_db()
        return _shown(row, text, status.HTTP_200_OK)

    @extend_schema(parameters=[TOKEN], responses={204: None})
    def destroy(self, request: UserRequest, token: UUID, **_names: str) -> Response:
        """End the token at once."""
        tokens.revoke(request.user, self._row(request, token))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _row(self, request: UserRequest, token: UUID) -> ApiToken:
        rows = ApiToken.objects.filter(user=self.owner(request)).select_related("user", "made_by")
        if (row := rows.filter(pk=token).first()) is None:
            raise NotFound("error.not_found")
        return row


def _shown(row: ApiToken, text: str, code: int) -> Response:
    body = {**TokenSerializer(row).data, "token": text}
    return Response(body, status=code, headers={"Cache-Control": "no-store"})
