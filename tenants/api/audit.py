"""REST: the audit trail, as far as one may see it."""

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.viewsets import GenericViewSet

from pks_portal.pages import CursorPages
from tenants.audit import wording
from tenants.audit.exporting import FORMS
from tenants.audit.filters import DOORS, AuditFilters
from tenants.audit.http import export
from tenants.audit.reading import visible
from tenants.http import StrictSerializer, UserRequest
from tenants.models import AuditEntry


class AuditSubjectSerializer(serializers.Serializer[Any]):
    type = serializers.CharField(source="subject_type")
    id = serializers.CharField(source="subject_id")
    name = serializers.CharField(source="subject_name")


class AuditSealSerializer(serializers.Serializer[Any]):
    """The entry's place in the chain, and the SHA-256 over it and all before it."""

    number = serializers.IntegerField()
    hash = serializers.CharField()


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    actor = serializers.CharField(source="actor_name")
    text = serializers.SerializerMethodField(help_text="What was done, in words.")
    door = serializers.CharField(source="via", help_text="page, api, cli, worker or console.")
    tenant = serializers.CharField(source="tenant.slug", default=None, allow_null=True)
    subject = AuditSubjectSerializer(source="*")
    task = serializers.SerializerMethodField(help_text="The id of the task that it belongs to.")
    seal = serializers.SerializerMethodField()

    class Meta:
        model = AuditEntry
        fields: ClassVar = [
            "id", "at", "actor", "action", "text", "tenant", "subject", "facts", "task", "door", "address",
            "request_id", "seal",
        ]  # fmt: skip

    def get_text(self, entry: AuditEntry) -> str:
        return wording.deed(entry.action, entry.facts)

    @extend_schema_field({"type": ["string", "null"]})
    def get_task(self, entry: AuditEntry) -> str | None:
        return wording.task(entry) or None

    @extend_schema_field(AuditSealSerializer(allow_null=True))
    def get_seal(self, entry: AuditEntry) -> dict[str, Any] | None:
        seal = getattr(entry, "seal", None)
        return dict(AuditSealSerializer(seal).data) if seal else None


class AuditExportSerializer(StrictSerializer):
    """The form of the file, and the filters of the list."""

    form = serializers.ChoiceField(choices=list(FORMS))
    actor = serializers.CharField(required=False, max_length=150)
    action = serializers.CharField(required=False, max_length=60)
    tenant = serializers.CharField(required=False, max_length=63)
    subject = serializers.CharField(required=False, max_length=64)
    door = serializers.ChoiceField(required=False, choices=[name for name, _ in DOORS])
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    q = serializers.CharField(required=False, max_length=200)


class AuditPages(CursorPages):
    ordering = "-id"


class AuditViewSet(mixins.ListModelMixin, GenericViewSet[AuditEntry]):
    """Who did what: one's own deeds, those in tenants that one administers, all for platform roles."""

    serializer_class = AuditEntrySerializer
    pagination_class = AuditPages
    filterset_class = AuditFilters
    queryset = AuditEntry.objects.none()

    def get_queryset(self) -> Any:
        return visible(self.request.user)  # type: ignore[arg-type]  # nobody gets here without signing in

    @extend_schema(
        request=AuditExportSerializer,
        responses={
            (200, "application/jsonl"): OpenApiResponse(OpenApiTypes.STR, "JSON Lines, or CSV (text/csv)."),
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    @action(detail=False, methods=["post"])
    def export(self, request: UserRequest) -> Any:
        """Take the list as a file, the oldest entry first; `X-Audit-Head` and the last line of JSON Lines anchor it."""
        asked = AuditExportSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = {name: str(value) for name, value in asked.validated_data.items() if name != "form"}
        return export(request._request, request.user, asked.validated_data["form"], wanted)  # noqa: SLF001 - ASGI or not
