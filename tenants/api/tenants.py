"""REST: the tenants that I can see, with their quotas."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.viewsets import GenericViewSet

from pks_portal.pages import CursorPages
from tenants import quotas
from tenants.access import tenants_where
from tenants.api.quotas import QuotaLineSerializer
from tenants.models import Tenant


class TenantSerializer(serializers.ModelSerializer[Tenant]):
    quota = serializers.SerializerMethodField()

    class Meta:
        model = Tenant
        fields: ClassVar = ["slug", "name", "name_zh", "created_at", "quota"]

    @extend_schema(responses=QuotaLineSerializer(many=True))
    def get_quota(self, tenant: Tenant) -> list[dict[str, Any]]:
        return list(QuotaLineSerializer(quotas.lines(tenant), many=True).data)


class SlugPages(CursorPages):
    ordering = "slug"


class TenantViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Tenant]):
    """The business lines that one can see."""

    serializer_class = TenantSerializer
    pagination_class = SlugPages
    lookup_field = "slug"
    queryset = Tenant.objects.none()

    def get_queryset(self) -> Any:
        return tenants_where(self.request.user, "tenant.view")
