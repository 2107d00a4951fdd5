"""REST: whose signatures a project trusts, and which vulnerabilities it is allowed to live with."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal.errors import NotFound
from pks_portal.pages import CursorPages
from registry import exceptions
from registry.api.projects import project_of
from registry.models import CveException, TrustedKey
from registry.trust import trusted
from tenants.http import StrictSerializer, UserRequest


class TrustedKeySerializer(serializers.ModelSerializer[TrustedKey]):
    """`fingerprint`: SHA-256 of the key (its SubjectPublicKeyInfo)."""

    added_by = serializers.CharField(source="added_by.username", allow_null=True, default=None)

    class Meta:
        model = TrustedKey
        fields: ClassVar = ["id", "name", "pem", "fingerprint", "added_by", "added_at"]


class NewTrustedKeySerializer(StrictSerializer):
    name = serializers.CharField(max_length=80)
    public_key = serializers.CharField(max_length=20_000, help_text="PEM, as `cosign public-key` prints it.")


class AddedPages(CursorPages):
    ordering = ("added_at", "id")  # type: ignore[assignment]


class TrustedKeysViewSet(GenericViewSet[TrustedKey]):
    """Public keys whose signatures count in a project."""

    queryset = TrustedKey.objects.none()
    serializer_class = TrustedKeySerializer
    pagination_class = AddedPages

    @extend_schema(responses=TrustedKeySerializer(many=True))
    def list(self, request: UserRequest, project: str) -> Response:
        """List the keys that the project trusts."""
        rows: Any = self.paginate_queryset(project_of(request, project).trusted_keys.select_related("added_by"))
        return self.get_paginated_response(TrustedKeySerializer(rows, many=True).data)

    @extend_schema(request=NewTrustedKeySerializer, responses={201: TrustedKeySerializer})
    def create(self, request: UserRequest, project: str) -> Response:
        """Trust a public key; the project's signatures are checked anew."""
        found = project_of(request, project)
        data = NewTrustedKeySerializer(data=request.data)
        data.is_valid(raise_exception=True)
        row = trusted.add(request.user, found, data.validated_data["name"], data.validated_data["public_key"])
        return Response(TrustedKeySerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: UserRequest, project: str, pk: Any) -> Response:
        """Trust a key no longer."""
        rows = TrustedKey.objects.select_related("project__tenant")
        if (row := rows.filter(project=project_of(request, project), pk=pk).first()) is None:
            raise NotFound("error.not_found")
        trusted.remove(request.user, row)
        return Response(status=status.HTTP_204_NO_CONTENT)


class CveExceptionSerializer(serializers.ModelSerializer[CveException]):
    """`live`: approved and not over."""

    project = serializers.CharField(source="project.name")
    asked_by = serializers.CharField(source="asked_by.username")
    decided_by = serializers.CharField(source="decided_by.username", allow_null=True, default=None)
    live = serializers.BooleanField()

    class Meta:
        model = CveException
        fields: ClassVar = [
            "id", "project", "vulnerability", "repositories", "package", "reason", "status", "live", "asked_by",
            "asked_at", "decided_by", "decided_at", "comment", "expires_at",
        ]  # fmt: skip


class NewCveExceptionSerializer(StrictSerializer):
    vulnerability = serializers.CharField(max_length=60)
    reason = serializers.CharField(max_length=500)
    days = serializers.IntegerField(default=30)
    repositories = serializers.CharField(max_length=200, default="**", help_text="A pattern: web/*, **.")
    package = serializers.CharField(max_length=200, default="", allow_blank=True)


class CveDecisionSerializer(StrictSerializer):
    comment = serializers.CharField(max_length=500, default="", allow_blank=True)


class AskedPages(CursorPages):
    ordering = ("-asked_at", "id")  # type: ignore[assignment]


class CveExceptionsViewSet(GenericViewSet[CveException]):
    """Vulnerabilities that a project is, or asks to be, allowed to live with."""

    queryset = CveException.objects.none()
    serializer_class = CveExceptionSerializer
    pagination_class = AskedPages

    def _row(self, request: UserRequest, project: str, pk: Any) -> CveException:
        rows = CveException.objects.select_related("project__tenant", "asked_by", "decided_by")
        if (row := rows.filter(project=project_of(request, project), pk=pk).first()) is None:
            raise NotFound("error.not_found")
        return row

    @extend_schema(responses=CveExceptionSerializer(many=True))
    def list(self, request: UserRequest, project: str) -> Response:
        """List the project's exceptions, the newest first."""
        rows = project_of(request, project).exceptions.select_related("project", "asked_by", "decided_by")
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response(CveExceptionSerializer(page, many=True).data)

    @extend_schema(request=NewCveExceptionSerializer, responses={201: CveExceptionSerializer})
    def create(self, request: UserRequest, project: str) -> Response:
        """Ask for an exception."""
        found = project_of(request, project)
        data = NewCveExceptionSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        row = exceptions.ask(request.user, found, exceptions.Wish(**data.validated_data))
        return Response(CveExceptionSerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=CveDecisionSerializer, responses=CveExceptionSerializer)
    def approve(self, request: UserRequest, project: str, pk: Any) -> Response:
        """Approve what somebody else asked for."""
        return self._decided(request, project, pk, approve=True)

    @extend_schema(request=CveDecisionSerializer, responses=CveExceptionSerializer)
    def reject(self, request: UserRequest, project: str, pk: Any) -> Response:
        """Reject what somebody else asked for."""
        return self._decided(request, project, pk, approve=False)

    @extend_schema(request=None, responses=CveExceptionSerializer)
    def withdraw(self, request: UserRequest, project: str, pk: Any) -> Response:
        """Take one's wish back, or end an exception before its time."""
        row = exceptions.withdraw(request.user, self._row(request, project, pk))
        return Response(CveExceptionSerializer(row).data)

    def _decided(self, request: UserRequest, project: str, pk: Any, *, approve: bool) -> Response:
        row = self._row(request, project, pk)
        data = CveDecisionSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        row = exceptions.decide(request.user, row, approve=approve, comment=data.validated_data["comment"])
        return Response(CveExceptionSerializer(row).data)
