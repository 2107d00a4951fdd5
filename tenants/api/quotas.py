"""REST: what each tenant may have and has."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal.pages import CursorPages
from tenants import quotas
from tenants.access import tenants_where
from tenants.http import StrictSerializer, UserRequest
from tenants.models import QuotaKind, Tenant


class QuotaLineSerializer(serializers.Serializer[Any]):
    """One kind of quota, as it is and (in a preview) as it would be. Null: no limit; not measured yet."""

    kind = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    limit = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField(allow_null=True)
    after = serializers.SerializerMethodField()
    over = serializers.BooleanField()

    def get_after(self, line: quotas.Line) -> int | None:
        return None if line.used is None and not line.after else line.after


class LimitsSerializer(serializers.Serializer[Any]):
    """How much a tenant may have of each kind now, grants included; null: no limit."""

    clusters = serializers.IntegerField(allow_null=True)
    nodes = serializers.IntegerField(allow_null=True)
    vcpu = serializers.IntegerField(allow_null=True)
    memory_gib = serializers.IntegerField(allow_null=True)
    storage_gib = serializers.IntegerField(allow_null=True)
    registry_gib = serializers.IntegerField(allow_null=True)


class UsedSerializer(LimitsSerializer):
    """How much a tenant wants of each kind; null: not measured yet."""


def lines_of(serializer: serializers.BaseSerializer[Tenant], tenant: Tenant) -> list[quotas.Line]:
    """Return a tenant's figures; those of all tenants of a list are read together."""
    page = serializer.parent.instance if isinstance(serializer.parent, serializers.ListSerializer) else None
    if page is None:
        return quotas.lines(tenant)
    context: Any = serializer.context
    if "lines" not in context:
        context["lines"] = quotas.lines_of(page)
    found: list[quotas.Line] = context["lines"][tenant.pk]
    return found


class QuotaSerializer(serializers.Serializer[Tenant]):
    tenant = serializers.CharField()
    limits = LimitsSerializer()
    used = UsedSerializer()

    def to_representation(self, tenant: Tenant) -> dict[str, Any]:
        """Return the tenant's figures."""
        lines = lines_of(self, tenant)
        return {
            "tenant": tenant.slug,
            "limits": {line.kind: line.limit for line in lines},
            "used": {line.kind: line.used for line in lines},
        }


def _limit() -> serializers.IntegerField:
    return serializers.IntegerField(min_value=0, max_value=quotas.MOST, allow_null=True, required=False)


class NewLimitsSerializer(StrictSerializer):
    """The tenant's own limits, without what is granted on top; null: no limit; what is left out stays."""

    clusters, nodes, vcpu = _limit(), _limit(), _limit()
    memory_gib, storage_gib, registry_gib = _limit(), _limit(), _limit()


class NewQuotaSerializer(StrictSerializer):
    limits = NewLimitsSerializer()


class SlugPages(CursorPages):
    ordering = "slug"


class QuotaViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Tenant]):
    """What each tenant that one can see may have, and has."""

    serializer_class = QuotaSerializer
    pagination_class = SlugPages
    lookup_field = "slug"
    lookup_url_kwarg = "tenant"
    queryset = Tenant.objects.none()

    def get_queryset(self) -> Any:
        return tenants_where(self.request.user, "quota.view")

    @extend_schema(
        parameters=[OpenApiParameter("tenant", OpenApiTypes.STR, OpenApiParameter.PATH)],
        request=NewQuotaSerializer,
        responses=QuotaSerializer,
    )
    def partial_update(self, request: UserRequest, tenant: str | None = None) -> Response:
        """Set the tenant's own limits of the kinds that are named."""
        row = self.get_object()
        data = NewQuotaSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        limits = data.validated_data["limits"]
        quotas.set_limits(request.user, row, {kind: limits[kind] for kind in QuotaKind.values if kind in limits})
        return Response(QuotaSerializer(row).data)
