"""REST: who I am, and the tenants that I can see with their quotas."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from pks_portal.pages import CursorPages
from tenants import quotas
from tenants.access import tenants_where
from tenants.http import UserRequest
from tenants.models import Membership, Tenant


class QuotaLineSerializer(serializers.Serializer[Any]):
    """One kind of quota, as it is and (in a preview) as it would be."""

    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    limit = serializers.IntegerField()
    used = serializers.IntegerField()
    after = serializers.IntegerField()
    over = serializers.BooleanField()


class TenantSerializer(serializers.ModelSerializer[Tenant]):
    quota = serializers.SerializerMethodField()

    class Meta:
        model = Tenant
        fields: ClassVar = ["slug", "name", "name_zh", "created_at", "quota"]

    @extend_schema(responses=QuotaLineSerializer(many=True))
    def get_quota(self, tenant: Tenant) -> list[dict[str, Any]]:
        return list(QuotaLineSerializer(quotas.lines(tenant), many=True).data)


class MeTenantSerializer(serializers.Serializer[Any]):
    slug = serializers.CharField()
    name = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())


class MeSerializer(serializers.Serializer[Any]):
    username = serializers.CharField()
    name = serializers.CharField()
    email = serializers.CharField()
    platform_roles = serializers.ListField(child=serializers.CharField())
    tenants = MeTenantSerializer(many=True)


class SlugPages(CursorPages):
    ordering = "slug"


class MeView(APIView):
    """The signed-in person and the roles that count for them."""

    @extend_schema(responses=MeSerializer)
    def get(self, request: UserRequest) -> Response:
        roles: dict[int, set[str]] = {}
        for membership in Membership.objects.filter(user=request.user):
            roles.setdefault(membership.tenant_id, set()).add(membership.role)
        visible = tenants_where(request.user, "tenant.view")
        body = {
            "username": request.user.username,
            "name": request.user.label,
            "email": request.user.email,
            "platform_roles": sorted(set(request.user.platform_grants.values_list("role", flat=True))),
            "tenants": [
                {"slug": tenant.slug, "name": tenant.label, "roles": sorted(roles.get(tenant.pk, ()))}
                for tenant in visible
            ],
        }
        return Response(MeSerializer(body).data)


class TenantViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Tenant]):
    """The business lines that one can see."""

    serializer_class = TenantSerializer
    pagination_class = SlugPages
    lookup_field = "slug"
    queryset = Tenant.objects.none()

    def get_queryset(self) -> Any:
        return tenants_where(self.request.user, "tenant.view")
