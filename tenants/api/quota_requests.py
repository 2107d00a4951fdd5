"""REST: requests for more quota, and the decisions on them."""

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal import messages
from pks_portal.errors import Invalid
from pks_portal.pages import AnyOf
from tenants import quotas, requests
from tenants.access import tenants_where
from tenants.http import StrictSerializer, UserRequest
from tenants.models import QuotaKind, QuotaRequest, QuotaRequestLine


class RequestLineSerializer(serializers.Serializer[QuotaRequestLine]):
    """How much more of a kind is asked for, and granted (null: not decided, or not approved)."""

    kind = serializers.ChoiceField(choices=QuotaKind.choices)
    asked = serializers.IntegerField()
    granted = serializers.IntegerField(allow_null=True)


class WishSerializer(serializers.Serializer[Any]):
    """What begins by itself once the request is approved; `least`: the fewest nodes that the requester accepts."""

    task = serializers.UUIDField()
    title = serializers.CharField()
    nodes = serializers.IntegerField(allow_null=True)
    least = serializers.IntegerField(allow_null=True)
    plan = serializers.CharField(allow_null=True)
    version = serializers.CharField(allow_null=True)


class QuotaRequestSerializer(serializers.Serializer[QuotaRequest]):
    id = serializers.UUIDField()
    tenant = serializers.CharField(source="tenant.slug")
    requester = serializers.CharField(source="requester.username")
    reason = serializers.CharField()
    status = serializers.ChoiceField(choices=QuotaRequest.Status.choices)
    status_label = serializers.CharField(source="get_status_display")
    amounts = RequestLineSerializer(source="lines", many=True)
    wish = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    decided_by = serializers.CharField(source="decided_by.username", default=None, allow_null=True)
    comment = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True, help_text="When what is granted ends; null: for good.")

    @extend_schema(responses=WishSerializer(allow_null=True))
    def get_wish(self, request: QuotaRequest) -> dict[str, Any] | None:
        """Return what waits for the request."""
        if request.wish is None:
            return None
        said = request.wish_said
        parts = {name: request.size.get(name) for name in ("nodes", "least", "plan", "version")}
        return {"task": str(request.wish), "title": messages.render(said["key"], said["args"]), **parts}


def _amount() -> serializers.IntegerField:
    return serializers.IntegerField(min_value=0, max_value=quotas.MOST, required=False)


class AmountsSerializer(StrictSerializer):
    """How much of some kinds; what is left out is nothing."""

    clusters, nodes, vcpu = _amount(), _amount(), _amount()
    memory_gib, storage_gib, registry_gib = _amount(), _amount(), _amount()


class NewQuotaRequestSerializer(StrictSerializer):
    tenant = serializers.SlugField(max_length=40)
    amounts = AmountsSerializer()
    reason = serializers.CharField(max_length=requests.LONGEST_TEXT)


class ApprovalSerializer(StrictSerializer):
    """What is granted; without `amounts`, all that is asked; without `expires_at`, for good."""

    amounts = AmountsSerializer(required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    comment = serializers.CharField(max_length=requests.LONGEST_TEXT, required=False, allow_blank=True)


class RejectionSerializer(StrictSerializer):
    comment = serializers.CharField(max_length=requests.LONGEST_TEXT)


class QuotaRequestFilters(filters.FilterSet):  # type: ignore[misc]
    status = AnyOf(choices=QuotaRequest.Status.choices)
    tenant = filters.CharFilter("tenant__slug", help_text="A tenant's slug.")


class QuotaRequestViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[QuotaRequest]):
    """Requests for more quota; whoever asked does not decide."""

    queryset = QuotaRequest.objects.none()
    serializer_class = QuotaRequestSerializer
    filterset_class = QuotaRequestFilters

    def get_queryset(self) -> Any:
        rows = requests.visible_to(self.request.user)  # type: ignore[arg-type]
        return rows.select_related("tenant", "requester", "decided_by").prefetch_related("lines")

    @extend_schema(request=NewQuotaRequestSerializer, responses={201: QuotaRequestSerializer})
    def create(self, request: UserRequest) -> Response:
        """Ask for more, with nothing that waits for it; see clusters for a wish that does."""
        data = NewQuotaRequestSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        wanted = data.validated_data
        tenant = tenants_where(request.user, "quota.view").filter(slug=wanted["tenant"]).first()
        if tenant is None:
            raise Invalid("error.tenant_unknown", field="tenant", tenant=wanted["tenant"])
        row = requests.ask(request.user, tenant, wanted["amounts"], reason=wanted["reason"])
        location = {"Location": f"/api/v1/quota-requests/{row.pk}"}
        return Response(QuotaRequestSerializer(row).data, status=status.HTTP_201_CREATED, headers=location)

    @extend_schema(request=ApprovalSerializer, responses=QuotaRequestSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: UserRequest, pk: str | None = None) -> Response:
        """Grant all or part of what is asked; what waits for it begins by itself."""
        row = self.get_object()
        data = ApprovalSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        wanted = data.validated_data
        amounts = wanted.get("amounts", {line.kind: line.asked for line in row.lines.all()})
        expires_at, comment = wanted.get("expires_at"), wanted.get("comment", "")
        requests.approve(request.user, row, amounts, expires_at=expires_at, comment=comment)
        return self._now(row)

    @extend_schema(request=RejectionSerializer, responses=QuotaRequestSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: UserRequest, pk: str | None = None) -> Response:
        """Refuse the request, saying why; what waits for it ends."""
        row = self.get_object()
        data = RejectionSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        requests.reject(request.user, row, data.validated_data["comment"])
        return self._now(row)

    @extend_schema(request=None, responses=QuotaRequestSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: UserRequest, pk: str | None = None) -> Response:
        """Take the request back; what waits for it ends."""
        row = self.get_object()
        requests.withdraw(request.user, row)
        return self._now(row)

    def _now(self, row: QuotaRequest) -> Response:
        return Response(QuotaRequestSerializer(self.get_queryset().get(pk=row.pk)).data)
