"""REST: garbage collections and comparisons with the registry, of the platform; copies of artifacts."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal import messages
from pks_portal.errors import NotFound
from pks_portal.operations.api import TaskSerializer
from pks_portal.pages import CursorPages
from registry import browsing
from registry.models import Artifact, Collection
from registry.upkeep import collecting, copying, reconciling
from tenants.access import require
from tenants.http import StrictSerializer, UserRequest


class GarbageCollectionSerializer(serializers.ModelSerializer[Collection]):
    """Bytes are measured on disk; null where the storage is no directory of the worker's host."""

    asked_by = serializers.CharField(source="asked_by.username", allow_null=True, default=None)
    freed = serializers.IntegerField(allow_null=True, help_text="Bytes that are free now.")
    error = serializers.SerializerMethodField()

    class Meta:
        model = Collection
        fields: ClassVar = [
            "id", "dry_run", "task", "asked_by", "started_at", "ended_at", "manifests", "bytes_before", "bytes_after",
            "freed", "would_free", "error",
        ]  # fmt: skip

    def get_error(self, row: Collection) -> str:
        return messages.render(row.error, {"code": "", "file": ""}) if row.error else ""


class NewGarbageCollectionSerializer(StrictSerializer):
    dry_run = serializers.BooleanField(default=False, help_text="Only say what would go.")


class NewReconciliationSerializer(StrictSerializer):
    forced = serializers.BooleanField(
        default=False, help_text="Take rows away even if the registry lacks so much that it stops otherwise."
    )


class StartedPages(CursorPages):
    ordering = ("-started_at", "id")  # type: ignore[assignment]


class GarbageCollectionsViewSet(GenericViewSet[Collection]):
    """Garbage collections of the image registry: pushes wait meanwhile, pulls go on."""

    queryset = Collection.objects.none()
    serializer_class = GarbageCollectionSerializer
    pagination_class = StartedPages

    @extend_schema(responses=GarbageCollectionSerializer(many=True))
    def list(self, request: UserRequest) -> Response:
        """List the garbage collections, the newest first."""
        require(request.user, "registry_platform.view", None)
        rows: Any = self.paginate_queryset(Collection.objects.select_related("asked_by"))
        return self.get_paginated_response(GarbageCollectionSerializer(rows, many=True).data)

    @extend_schema(request=NewGarbageCollectionSerializer, responses={202: GarbageCollectionSerializer})
    def create(self, request: UserRequest) -> Response:
        """Free what no artifact needs any more, or say how much that would be."""
        require(request.user, "registry_platform.manage", None)
        data = NewGarbageCollectionSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        row = collecting.ask(request.user, dry_run=data.validated_data["dry_run"])
        headers = {"Location": f"/api/v1/registry/garbage-collections/{row.pk}"}
        return Response(GarbageCollectionSerializer(row).data, status=status.HTTP_202_ACCEPTED, headers=headers)

    @extend_schema(responses=GarbageCollectionSerializer)
    def retrieve(self, request: UserRequest, pk: Any) -> Response:
        """Show what a garbage collection came to."""
        require(request.user, "registry_platform.view", None)
        if (row := Collection.objects.select_related("asked_by").filter(pk=pk).first()) is None:
            raise NotFound("error.not_found")
        return Response(GarbageCollectionSerializer(row).data)

    @extend_schema(request=NewReconciliationSerializer, responses={202: TaskSerializer})
    def reconcile(self, request: UserRequest) -> Response:
        """Compare the portal's rows with what the registry has, and repair what differs; the answer is the task."""
        require(request.user, "registry_platform.manage", None)
        data = NewReconciliationSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        task = reconciling.ask(request.user, forced=data.validated_data["forced"])
        headers = {"Location": f"/api/v1/tasks/{task.pk}"}
        return Response(TaskSerializer(task).data, status=status.HTTP_202_ACCEPTED, headers=headers)


class NewArtifactCopySerializer(StrictSerializer):
    repository = serializers.CharField(max_length=255, help_text="Where to, as PROJECT/NAME.")
    tag = serializers.CharField(max_length=128, default="", allow_blank=True)


class ArtifactCopySerializer(serializers.Serializer[Any]):
    """A copy. `artifact`: its id, once it is there; `task`: what makes it, where that takes more than a moment."""

    repository = serializers.CharField()
    tag = serializers.CharField(allow_blank=True)
    digest = serializers.CharField()
    artifact = serializers.UUIDField(allow_null=True)
    task = serializers.UUIDField(allow_null=True)


class ArtifactCopiesViewSet(GenericViewSet[Artifact]):
    """Copies of an artifact in other repositories."""

    queryset = Artifact.objects.none()
    serializer_class = ArtifactCopySerializer

    @extend_schema(
        request=NewArtifactCopySerializer, responses={201: ArtifactCopySerializer, 202: ArtifactCopySerializer}
    )
    def create(self, request: UserRequest, artifact: Any) -> Response:
        """Copy the artifact, with its images and what is about them, to a repository where one may push.

        201: it is there. 202: the task copies it.
        """
        if (found := browsing.artifacts(request.user).filter(pk=artifact).first()) is None:
            raise NotFound("error.not_found")
        data = NewArtifactCopySerializer(data=request.data)
        data.is_valid(raise_exception=True)
        wanted = data.validated_data
        made = copying.copy(request.user, found, wanted["repository"], wanted["tag"])
        said = {
            **wanted, "digest": found.digest, "artifact": made.artifact and made.artifact.pk,
            "task": made.task and made.task.pk,
        }  # fmt: skip
        code = status.HTTP_202_ACCEPTED if made.task else status.HTTP_201_CREATED
        return Response(ArtifactCopySerializer(said).data, status=code)
