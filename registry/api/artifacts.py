"""REST: artifacts with their tags, what is about them, and whether they may be pulled."""

from typing import Any, ClassVar

from django.db.models import Prefetch
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal.errors import NotFound
from pks_portal.pages import CursorPages
from registry import browsing, pulling, removing, repositories
from registry.filters import ArtifactFilters
from registry.models import Artifact, ArtifactLabel, AttachedSbom, Tag
from tenants.http import StrictSerializer, UserRequest

WITH_LABEL = Prefetch("labelled", ArtifactLabel.objects.select_related("label"))
COUNTS = ("critical", "high", "medium", "low", "negligible", "unknown", "fixable")


class ArtifactTagSerializer(serializers.ModelSerializer[Tag]):
    class Meta:
        model = Tag
        fields: ClassVar = ["name", "pushed_at", "pushed_by", "pulled_at"]


class NewArtifactTagSerializer(StrictSerializer):
    name = serializers.CharField(max_length=128)


class SeverityCountsSerializer(serializers.Serializer[Artifact]):
    """How many findings of each severity the last scan has; of `fixable` there is a fixed version."""

    critical = serializers.IntegerField()
    high = serializers.IntegerField()
    medium = serializers.IntegerField()
    low = serializers.IntegerField()
    negligible = serializers.IntegerField()
    unknown = serializers.IntegerField()
    fixable = serializers.IntegerField()


class PullingSerializer(serializers.Serializer[Any]):
    """Whether the project's policy lets it be pulled; if not, the words that clients would print."""

    allowed = serializers.BooleanField()
    reason = serializers.CharField(allow_blank=True)


class ArtifactSerializer(serializers.ModelSerializer[Artifact]):
    """`size`: bytes with everything that it consists of. `findings`: null until a scan has succeeded."""

    repository = serializers.CharField(source="repository.__str__")
    project = serializers.CharField(source="repository.project.name")
    tenant = serializers.CharField(source="repository.project.tenant.slug")
    tags = ArtifactTagSerializer(many=True)
    labels = serializers.SerializerMethodField(help_text="Their names.")
    findings = serializers.SerializerMethodField()

    class Meta:
        model = Artifact
        fields: ClassVar = [
            "id", "repository", "project", "tenant", "digest", "kind", "media_type", "artifact_type", "size", "os",
            "architecture", "variant", "made_at", "subject", "listed", "tags", "labels", "pushed_at", "pushed_by",
            "pulled_at", "pulls", "scan_state", "scanned_at", "findings", "not_assessed", "signed", "signer",
        ]  # fmt: skip

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_labels(self, artifact: Artifact) -> list[str]:
        return [put.label.name for put in artifact.labelled.all()]

    @extend_schema_field(SeverityCountsSerializer(allow_null=True))
    def get_findings(self, artifact: Artifact) -> dict[str, int] | None:
        return {name: getattr(artifact, name) for name in COUNTS} if artifact.scanned_at else None


class ArtifactChildSerializer(serializers.Serializer[Any]):
    """An index's child; `attests`: the sibling that it only describes (BuildKit)."""

    digest = serializers.CharField()
    size = serializers.IntegerField()
    platform = serializers.DictField(child=serializers.CharField())
    annotations = serializers.DictField(child=serializers.CharField())
    attests = serializers.CharField(allow_blank=True)


class AttachedSbomSerializer(serializers.ModelSerializer[AttachedSbom]):
    """An SBOM that was pushed; `digest` is its layer's. `packages` null: it could not be read."""

    form = serializers.ChoiceField(choices=["spdx", "cyclonedx"])

    class Meta:
        model = AttachedSbom
        fields: ClassVar = ["digest", "form", "media_type", "size", "packages"]


class AccessorySerializer(serializers.ModelSerializer[Artifact]):
    """What is about an artifact. `sboms`: those that it holds, once a worker has looked into it."""

    sboms = AttachedSbomSerializer(many=True)

    class Meta:
        model = Artifact
        fields: ClassVar = [
            "id",
            "digest",
            "kind",
            "artifact_type",
            "size",
            "pushed_at",
            "pushed_by",
            "signer",
            "sboms",
        ]


class ArtifactLayerSerializer(serializers.Serializer[Any]):
    digest = serializers.CharField()
    size = serializers.IntegerField()
    media_type = serializers.CharField(allow_blank=True)


class ArtifactDetailSerializer(ArtifactSerializer):
    layers = ArtifactLayerSerializer(many=True)
    config = serializers.DictField()
    annotations = serializers.DictField(child=serializers.CharField())
    children = ArtifactChildSerializer(many=True)
    accessories = serializers.SerializerMethodField()
    pulling = serializers.SerializerMethodField()

    class Meta(ArtifactSerializer.Meta):
        fields: ClassVar = [
            *ArtifactSerializer.Meta.fields, "author", "annotations", "config", "layers", "children", "accessories",
            "pulling",
        ]  # fmt: skip

    @extend_schema_field(AccessorySerializer(many=True))
    def get_accessories(self, artifact: Artifact) -> Any:
        return AccessorySerializer(browsing.accessories_of(artifact), many=True).data

    @extend_schema_field(PullingSerializer)
    def get_pulling(self, artifact: Artifact) -> dict[str, Any]:
        refusal = pulling.refusal(artifact, artifact.repository.project)
        return {"allowed": refusal is None, "reason": str(refusal or "")}


class PushedPages(CursorPages):
    ordering = ("-pushed_at", "id")  # type: ignore[assignment]


class ArtifactViewSet(mixins.ListModelMixin, GenericViewSet[Artifact]):
    """Artifacts: images, indexes, charts and others, signatures, SBOMs."""

    queryset = Artifact.objects.none()
    serializer_class = ArtifactSerializer
    filterset_class = ArtifactFilters
    pagination_class = PushedPages

    def get_queryset(self) -> Any:
        return browsing.artifacts(self.request.user).prefetch_related("tags", WITH_LABEL)

    @extend_schema(responses=ArtifactDetailSerializer)
    def retrieve(self, request: UserRequest, pk: str) -> Response:
        """Show an artifact: what it consists of, what is about it, whether it may be pulled."""
        return Response(ArtifactDetailSerializer(self.get_object()).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: UserRequest, pk: str) -> Response:
        """Delete an artifact with its tags and all that is about it."""
        removing.artifact(request.user, self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=NewArtifactTagSerializer, responses={201: ArtifactTagSerializer})
    @action(detail=True, methods=["post"], filter_backends=[])
    def tags(self, request: UserRequest, pk: str) -> Response:
        """Give the artifact a tag, or move one to it."""
        artifact = self.get_object()
        data = NewArtifactTagSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        tag = repositories.set_tag(request.user, artifact, data.validated_data["name"])
        return Response(ArtifactTagSerializer(tag).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None}, parameters=[OpenApiParameter("tag", OpenApiTypes.STR, "path")])
    @action(detail=True, methods=["delete"], url_path=r"tags/(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127})")
    def untag(self, request: UserRequest, tag: str, pk: str) -> Response:
        """Take a tag away; the artifact stays."""
        rows = Tag.objects.select_related("artifact", "repository__project__tenant")
        if (row := rows.filter(artifact=self.get_object(), name=tag).first()) is None:
            raise NotFound("error.not_found")
        removing.tag(request.user, row)
        return Response(status=status.HTTP_204_NO_CONTENT)
