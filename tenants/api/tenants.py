"""REST: the tenants that I can see, with their quotas; making, renaming and archiving them."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal.pages import CursorPages
from tenants import stepup, tenancy
from tenants.access import tenants_where
from tenants.api.quotas import QuotaLineSerializer, lines_of
from tenants.http import StrictSerializer, UserRequest
from tenants.models import Tenant, dns_label


class TenantSerializer(serializers.ModelSerializer[Tenant]):
    quota = serializers.SerializerMethodField()

    class Meta:
        model = Tenant
        fields: ClassVar = ["slug", "name", "name_zh", "created_at", "archived_at", "quota"]

    @extend_schema(responses=QuotaLineSerializer(many=True))
    def get_quota(self, tenant: Tenant) -> list[dict[str, Any]]:
        return list(QuotaLineSerializer(lines_of(self, tenant), many=True).data)


class NewTenantSerializer(StrictSerializer):
    slug = serializers.CharField(
        max_length=40, validators=[dns_label], help_text="Never changes, and is never given twice."
    )
    name = serializers.CharField(max_length=80)
    name_zh = serializers.CharField(max_length=80, default="", allow_blank=True)


class TenantChangeSerializer(StrictSerializer):
    name = serializers.CharField(max_length=80, required=False)
    name_zh = serializers.CharField(max_length=80, required=False, allow_blank=True)


class SlugPages(CursorPages):
    ordering = "slug"


class TenantViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Tenant]):
    """The business lines that one can see, archived ones too."""

    serializer_class = TenantSerializer
    pagination_class = SlugPages
    lookup_field = "slug"
    queryset = Tenant.objects.none()

    def get_queryset(self) -> Any:
        return tenants_where(self.request.user, "tenant.view")

    @extend_schema(request=NewTenantSerializer, responses={201: TenantSerializer})
    def create(self, request: UserRequest) -> Response:
        """Make a tenant; its quota is zero until it is set."""
        stepup.guard(request)
        data = NewTenantSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        tenant = tenancy.create(request.user, **data.validated_data)
        location = {"Location": f"/api/v1/tenants/{tenant.slug}"}
        return Response(TenantSerializer(tenant).data, status=status.HTTP_201_CREATED, headers=location)

    @extend_schema(request=TenantChangeSerializer, responses=TenantSerializer)
    def partial_update(self, request: UserRequest, slug: str | None = None) -> Response:
        """Give the tenant other names; its slug stays."""
        tenant = self.get_object()
        data = TenantChangeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        return Response(TenantSerializer(tenancy.rename(request.user, tenant, **data.validated_data)).data)

    @extend_schema(request=None, responses=TenantSerializer)
    @action(detail=True, methods=["post"])
    def archive(self, request: UserRequest, slug: str | None = None) -> Response:
        """Close a tenant without clusters and tasks: nothing new can be made in it."""
        return Response(TenantSerializer(tenancy.archive(request.user, self.get_object())).data)

    @extend_schema(request=None, responses=TenantSerializer)
    @action(detail=True, methods=["post"])
    def restore(self, request: UserRequest, slug: str | None = None) -> Response:
        """Open an archived tenant again."""
        return Response(TenantSerializer(tenancy.restore(request.user, self.get_object())).data)
