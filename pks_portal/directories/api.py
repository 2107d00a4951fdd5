"""REST: directories, for those who run the platform."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal.directories import syncing
from pks_portal.errors import Invalid, PortalError
from pks_portal.pages import CursorPages
from tenants import roles
from tenants.access import require
from tenants.directory import managing, sources
from tenants.directory.comparing import mappings_of
from tenants.http import StrictSerializer, UserRequest
from tenants.models import DirectorySource, GroupMapping, PlatformRole, Role, Tenant


class DirectorySerializer(serializers.Serializer[DirectorySource]):
    """A directory; its password is never shown. `trouble`: what the last sync stumbled over, in words."""

    slug = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=DirectorySource.Kind.choices)
    enabled = serializers.BooleanField()
    position = serializers.IntegerField(help_text="The lower, the earlier it is asked for a plain name.")
    from_environment = serializers.BooleanField()
    servers = serializers.SerializerMethodField()
    user_base = serializers.SerializerMethodField()
    group_base = serializers.SerializerMethodField()
    synced_at = serializers.DateTimeField(allow_null=True)
    trouble = serializers.SerializerMethodField()

    def get_servers(self, source: DirectorySource) -> list[str]:
        config = sources.config_of(source)
        return list(config.uris) if config else []

    def get_user_base(self, source: DirectorySource) -> str:
        config = sources.config_of(source)
        return config.user_base if config else ""

    def get_group_base(self, source: DirectorySource) -> str:
        config = sources.config_of(source)
        return config.group_base if config else ""

    @extend_schema_field({"type": ["string", "null"]})
    def get_trouble(self, source: DirectorySource) -> str | None:
        found = source.trouble
        return PortalError(found["key"], **found.get("args", {})).detail if found else None


class ServerSerializer(serializers.Serializer[Any]):
    uri = serializers.CharField()
    ok = serializers.BooleanField()
    text = serializers.CharField(source="said")
    milliseconds = serializers.IntegerField()
    expires = serializers.DateTimeField(allow_null=True)


class ReportSerializer(serializers.Serializer[Any]):
    """How a test went; counts are null where it did not come to counting."""

    ok = serializers.BooleanField()
    text = serializers.CharField(source="said")
    cause = serializers.CharField()
    people = serializers.IntegerField(allow_null=True)
    groups = serializers.IntegerField(allow_null=True)
    servers = ServerSerializer(many=True)


class MoveSerializer(StrictSerializer):
    position = serializers.IntegerField(min_value=0, max_value=1000, help_text="0: asked first.")


class DryRunSerializer(StrictSerializer):
    """Without a group: what a sync would change. With one: what mapping it would, or undoing that (`remove`)."""

    group_dn = serializers.CharField(required=False, max_length=255)
    tenant = serializers.CharField(required=False, allow_null=True, max_length=40)
    role = serializers.ChoiceField(required=False, choices=[*Role.values, *PlatformRole.values])
    remove = serializers.BooleanField(required=False, default=False)


class PersonChangeSerializer(serializers.Serializer[Any]):
    what = serializers.ChoiceField(choices=["join", "leave", "return", "change"])
    username = serializers.CharField()
    name = serializers.CharField()
    gained = serializers.ListField(child=serializers.CharField())
    lost = serializers.ListField(child=serializers.CharField())


class DiffSerializer(serializers.Serializer[Any]):
    """Sums, and the first 200 people. `stopped`: so much would go that a sync would stop."""

    counts = serializers.DictField(child=serializers.IntegerField())
    people = PersonChangeSerializer(many=True)
    missing_groups = serializers.ListField(child=serializers.CharField())
    stopped = serializers.BooleanField()


class SyncStartedSerializer(serializers.Serializer[Any]):
    task = serializers.UUIDField()


class SlugPages(CursorPages):
    ordering = "slug"


class DirectoryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[DirectorySource]):
    """Where people come from. Passwords are set on the pages only."""

    serializer_class = DirectorySerializer
    pagination_class = SlugPages
    lookup_field = "slug"
    queryset = DirectorySource.objects.none()

    def get_queryset(self) -> Any:
        require(self.request.user, "directory.view", None)
        return DirectorySource.objects.prefetch_related("servers")

    @extend_schema(request=None, responses=ReportSerializer)
    @action(detail=True, methods=["post"], filter_backends=[])
    def test(self, request: UserRequest, slug: str = "") -> Response:
        """Test the connection as it is kept: handshakes, the bind account, what is found."""
        source = self.get_object()
        uris = list(source.servers.values_list("uri", flat=True))
        return Response(ReportSerializer(managing.try_out(request.user, source, uris, "")).data)

    @extend_schema(request=MoveSerializer, responses=DirectorySerializer)
    @action(detail=True, methods=["post"], filter_backends=[])
    def move(self, request: UserRequest, slug: str = "") -> Response:
        """Have the directory asked earlier or later than others."""
        source, data = self.get_object(), MoveSerializer(data=request.data)
        require(request.user, "directory.manage", None)
        data.is_valid(raise_exception=True)
        managing.move(request.user, source, data.validated_data["position"])
        return Response(DirectorySerializer(self.get_object()).data)

    @extend_schema(request=None, responses={202: SyncStartedSerializer})
    @action(detail=True, methods=["post"], filter_backends=[])
    def sync(self, request: UserRequest, slug: str = "") -> Response:
        """Sync people and roles now; answers with the task."""
        operation = syncing.ask(request.user, self.get_object())
        body = SyncStartedSerializer({"task": operation.pk}).data
        return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": f"/api/v1/tasks/{operation.pk}"})

    @extend_schema(request=DryRunSerializer, responses=DiffSerializer)
    @action(detail=True, methods=["post"], url_path="dry-run", filter_backends=[])
    def dry_run(self, request: UserRequest, slug: str = "") -> Response:
        """Say what a sync or a mapping would change; nothing is changed."""
        source = self.get_object()
        data = DryRunSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        wish = data.validated_data
        whole = not wish.get("group_dn")
        diff = syncing.difference(source) if whole else syncing.effect(source, _mappings(source, wish))
        body = {
            "counts": diff.counts,
            "people": diff.shown(),
            "missing_groups": sorted(diff.missing),
            "stopped": syncing.is_braked(diff),
        }
        return Response(DiffSerializer(body).data)


def _mappings(source: DirectorySource, wish: dict[str, Any]) -> list[GroupMapping]:
    """Return the mappings as they would be. Raises Invalid."""
    rows = mappings_of(source)
    dn, role = roles.checked_dn(wish["group_dn"]), wish.get("role", "")
    tenant = None
    if slug := wish.get("tenant"):
        tenant = Tenant.objects.filter(slug=slug).first()
        if tenant is None:
            raise Invalid("error.tenant_unknown", field="tenant", tenant=slug)
    if role not in (Role.values if tenant else PlatformRole.values):
        known = ", ".join(Role.values if tenant else PlatformRole.values)
        raise Invalid("error.role_unknown", field="role", role=role, roles=known)
    same = [row for row in rows if (row.group_dn, row.tenant_id, row.role) == (dn, tenant.pk if tenant else None, role)]
    if wish["remove"]:
        return [row for row in rows if row not in same]
    return rows if same else [*rows, GroupMapping(directory=source, group_dn=dn, tenant=tenant, role=role)]
