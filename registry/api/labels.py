"""REST: labels of projects and of the platform, and those on artifacts."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal.errors import NotFound
from pks_portal.pages import CursorPages
from registry import browsing, labels, rights
from registry.api.projects import project_of
from registry.models import Artifact, Label
from tenants.access import require
from tenants.http import StrictSerializer, UserRequest


class LabelSerializer(serializers.ModelSerializer[Label]):
    """`project` null: the platform's, which every project may use."""

    project = serializers.CharField(source="project.name", allow_null=True, default=None)
    made_by = serializers.CharField(source="made_by.username", allow_null=True, default=None)

    class Meta:
        model = Label
        fields: ClassVar = ["id", "project", "name", "about", "colour", "made_by", "made_at"]


class Text(serializers.CharField):
    """A text that is one: REST framework would take a number for it."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


class NewLabelSerializer(StrictSerializer):
    name = Text(max_length=labels.LONGEST)
    about = Text(max_length=200, default="", allow_blank=True)
    colour = serializers.ChoiceField(choices=Label.Colour.choices, default=Label.Colour.GREY)


class LabelChangeSerializer(StrictSerializer):
    name = Text(max_length=labels.LONGEST, required=False)
    about = Text(max_length=200, required=False, allow_blank=True)
    colour = serializers.ChoiceField(choices=Label.Colour.choices, required=False)


class PutLabelSerializer(StrictSerializer):
    label = serializers.IntegerField(  # type: ignore[assignment]
        min_value=1, max_value=2**62, help_text="The id of a label."
    )


class OnArtifactSerializer(serializers.Serializer[Any]):
    items = LabelSerializer(many=True)


class LabelPages(CursorPages):
    ordering = ("name", "pk")  # type: ignore[assignment]


class LabelsViewSet(GenericViewSet[Label]):
    """Labels of one project, or without one those of the platform."""

    queryset = Label.objects.none()
    serializer_class = LabelSerializer
    pagination_class = LabelPages

    def _rows(self, request: UserRequest, project: str) -> Any:
        """Return the labels of a project that the person may look into, or of the platform. Raises NotFound."""
        rows = project_of(request, project).labels.all() if project else labels.of_platform()
        return rows.select_related("project__tenant", "made_by")

    def _row(self, request: UserRequest, project: str, pk: int) -> Label:
        rows = self._rows(request, project)
        if not project:  # who may not change them is told so before what there is
            require(request.user, "registry_platform.manage", None)
        else:
            rights.require(request.user, "registry.configure", project_of(request, project))
        row: Label | None = rows.filter(pk=pk).first()
        if row is None:
            raise NotFound("error.not_found")
        return row

    @extend_schema(responses=LabelSerializer(many=True))
    def list(self, request: UserRequest, project: str = "") -> Response:
        """List the labels."""
        rows: Any = self.paginate_queryset(self._rows(request, project))
        return self.get_paginated_response(LabelSerializer(rows, many=True).data)

    @extend_schema(request=NewLabelSerializer, responses={201: LabelSerializer})
    def create(self, request: UserRequest, project: str = "") -> Response:
        """Make a label."""
        found = project_of(request, project) if project else None
        data = NewLabelSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        row = labels.make(request.user, found, data.validated_data)
        return Response(LabelSerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=LabelChangeSerializer, responses=LabelSerializer)
    def partial_update(self, request: UserRequest, id: int, project: str = "") -> Response:  # noqa: A002 - its name in the URL
        """Change a label wherever it has been put."""
        row = self._row(request, project, id)
        data = LabelChangeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        return Response(LabelSerializer(labels.change(request.user, row, data.validated_data)).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: UserRequest, id: int, project: str = "") -> Response:  # noqa: A002 - its name in the URL
        """Delete a label; it is gone from all that had it."""
        labels.delete(request.user, self._row(request, project, id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ArtifactLabelsViewSet(GenericViewSet[Label]):
    """The labels on one artifact; they stay with its digest, whatever its tags do."""

    queryset = Label.objects.none()
    serializer_class = LabelSerializer
    pagination_class = None

    def _artifact(self, request: UserRequest, pk: Any) -> Artifact:
        if (artifact := browsing.artifacts(request.user).filter(pk=pk).first()) is None:
            raise NotFound("error.not_found")
        return artifact

    @extend_schema(request=PutLabelSerializer, responses={201: OnArtifactSerializer})
    def create(self, request: UserRequest, artifact: Any) -> Response:
        """Put a label on the artifact, its project's or the platform's; the answer is all that are on it."""
        found = self._artifact(request, artifact)
        data = PutLabelSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        labels.put(request.user, found, data.validated_data["label"])
        rows = Label.objects.filter(put__artifact=found).select_related("project", "made_by")
        return Response(OnArtifactSerializer({"items": rows}).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: UserRequest, artifact: Any, id: int) -> Response:  # noqa: A002 - its name in the URL
        """Take a label off the artifact."""
        labels.take(request.user, self._artifact(request, artifact), id)
        return Response(status=status.HTTP_204_NO_CONTENT)
