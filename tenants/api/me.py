"""REST: who I am, and in which roles."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants.access import tenants_where
from tenants.http import UserRequest
from tenants.models import Membership


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
