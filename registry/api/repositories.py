"""REST: repositories."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal.pages import CursorPages
from registry import browsing, comparing, removing, repositories
from registry.api.comparing import COMPARES, ComparisonQuerySerializer, ComparisonSerializer
from registry.filters import RepositoryFilters
from registry.models import Repository
from tenants.http import StrictSerializer, UserRequest


class RepositorySerializer(serializers.ModelSerializer[Repository]):
    """`name`: the full one, with which clients pull. `artifacts`: those listed for themselves. `about`: Markdown."""

    name = serializers.CharField(source="__str__")
    project = serializers.CharField(source="project.name")
    tenant = serializers.CharField(source="project.tenant.slug")
    artifacts = serializers.IntegerField(source="artifacts_listed")

    class Meta:
        model = Repository
        fields: ClassVar = [
            "id", "name", "project", "tenant", "about", "artifacts", "pulls", "created_at", "changed_at",
        ]  # fmt: skip


class RepositoryChangeSerializer(StrictSerializer):
    about = serializers.CharField(max_length=repositories.LONGEST, allow_blank=True)


class ChangedPages(CursorPages):
    ordering = ("-changed_at", "id")  # type: ignore[assignment]


class RepositoryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Repository]):
    """Repositories: named places for images and other artifacts; made by the first push."""

    queryset = Repository.objects.none()
    serializer_class = RepositorySerializer
    filterset_class = RepositoryFilters
    pagination_class = ChangedPages

    def get_queryset(self) -> Any:
        return browsing.repositories(self.request.user)

    @extend_schema(request=RepositoryChangeSerializer, responses=RepositorySerializer)
    def partial_update(self, request: UserRequest, pk: str) -> Response:
        """Change the repository's README."""
        repository = self.get_object()
        data = RepositoryChangeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        changed = repositories.describe(request.user, repository, data.validated_data["about"])
        return Response(RepositorySerializer(changed).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: UserRequest, pk: str) -> Response:
        """Delete a repository with all that is in it."""
        removing.repository(request.user, self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @COMPARES
    @action(detail=True, filter_backends=[], pagination_class=None)
    def comparison(self, request: UserRequest, pk: str) -> Response:
        """Compare two of its artifacts: packages, vulnerabilities, layers, size."""
        repository = self.get_object()
        asked = ComparisonQuerySerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        return Response(ComparisonSerializer(comparing.compare(repository, **asked.validated_data)).data)
