"""REST: webhooks of tenants and of the platform, and what was sent to them."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from pks_portal.errors import Invalid, NotFound
from pks_portal.pages import AnyOf
from tenants import stepup
from tenants.access import tenants_where
from tenants.http import StrictSerializer, UserRequest
from tenants.models import Delivery, Tenant, Webhook
from tenants.notices import webhooks

NO_STORE = {"Cache-Control": "no-store"}


class WebhookSerializer(serializers.ModelSerializer[Webhook]):
    tenant = serializers.CharField(
        source="tenant.slug", allow_null=True, default=None, help_text="None: the platform's."
    )
    kinds = serializers.ListField(child=serializers.CharField(), help_text="None in it: every kind.")
    projects = serializers.ListField(
        child=serializers.CharField(), help_text="Image projects: of these alone. None in it: of everything."
    )

    class Meta:
        model = Webhook
        fields: ClassVar = [
            "id", "tenant", "url", "kinds", "projects", "enabled", "created_at", "failing_since", "stopped_at",
        ]  # fmt: skip


class NewWebhookSerializer(StrictSerializer):
    tenant = serializers.CharField(max_length=40, required=False, allow_null=True, help_text="Without: the platform's.")
    url = serializers.CharField(max_length=500)
    kinds = serializers.ListField(child=serializers.CharField(max_length=60), max_length=200, default=list)
    projects = serializers.ListField(child=serializers.CharField(max_length=60), max_length=200, default=list)


class ChangedWebhookSerializer(StrictSerializer):
    url = serializers.CharField(max_length=500, required=False)
    kinds = serializers.ListField(child=serializers.CharField(max_length=60), max_length=200, required=False)
    projects = serializers.ListField(child=serializers.CharField(max_length=60), max_length=200, required=False)
    enabled = serializers.BooleanField(required=False)


class WebhookSecretSerializer(WebhookSerializer):
    secret = serializers.CharField(help_text="Shown this once.")

    class Meta(WebhookSerializer.Meta):
        fields: ClassVar = [*WebhookSerializer.Meta.fields, "secret"]


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    error = serializers.SerializerMethodField()
    next_attempt_at = serializers.SerializerMethodField()

    class Meta:
        model = Delivery
        fields: ClassVar = [
            "id", "event", "kind", "status", "created_at", "attempts", "attempted_at", "next_attempt_at", "code",
            "milliseconds", "answer", "error", "body",
        ]  # fmt: skip

    def get_error(self, delivery: Delivery) -> str | None:
        """Say why the last attempt failed."""
        return delivery.failure

    @extend_schema_field(serializers.DateTimeField(allow_null=True))
    def get_next_attempt_at(self, delivery: Delivery) -> Any:
        return delivery.due_at if delivery.status == Delivery.Status.WAITING else None


class WebhookFilters(filters.FilterSet):  # type: ignore[misc]
    tenant = filters.CharFilter("tenant__slug", help_text="A tenant's slug.")


class WebhookViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Webhook]):
    """Where events are sent, signed."""

    queryset = Webhook.objects.none()
    serializer_class = WebhookSerializer
    filterset_class = WebhookFilters

    def get_queryset(self) -> "QuerySet[Webhook]":
        return webhooks.visible(self.request.user)

    @extend_schema(request=NewWebhookSerializer, responses={201: WebhookSecretSerializer})
    def create(self, request: UserRequest) -> Response:
        """Make a webhook; the answer holds its secret, which is not shown again."""
        stepup.guard(request)
        data = NewWebhookSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        wish = data.validated_data
        tenant = _tenant(request, wish["tenant"]) if wish.get("tenant") is not None else None
        chosen = {name: wish[name] for name in ("url", "kinds", "projects")}
        row, secret = webhooks.create(request.user, tenant, **chosen)
        return _with_secret(row, secret, status.HTTP_201_CREATED)

    @extend_schema(request=ChangedWebhookSerializer, responses=WebhookSerializer)
    def partial_update(self, request: UserRequest, pk: str | None = None) -> Response:
        """Change the address and the kinds, or turn it on and off."""
        row = self.get_object()
        stepup.guard(request)
        data = ChangedWebhookSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        webhooks.change(request.user, row, **data.validated_data)
        return Response(WebhookSerializer(self.get_object()).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: UserRequest, pk: str | None = None) -> Response:
        """Remove a webhook with its deliveries."""
        webhooks.delete(request.user, self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=None, responses=WebhookSecretSerializer)
    @action(detail=True, methods=["post"])
    def secret(self, request: UserRequest, pk: str | None = None) -> Response:
        """Make a new secret; the old one ends at once."""
        row = self.get_object()
        stepup.guard(request)
        return _with_secret(row, webhooks.renew_secret(request.user, row), status.HTTP_200_OK)

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: UserRequest, pk: str | None = None) -> Response:
        """Send a test event; the answer is the delivery, soon to be tried."""
        made = webhooks.test(request.user, self.get_object())
        return Response(DeliverySerializer(made).data, status=status.HTTP_202_ACCEPTED)


class DeliveryFilters(filters.FilterSet):  # type: ignore[misc]
    status = AnyOf(choices=Delivery.Status.choices)
    kind = filters.CharFilter()


class DeliveryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Delivery]):
    """What was sent to a webhook, and how the last attempt went."""

    queryset = Delivery.objects.none()
    serializer_class = DeliverySerializer
    filterset_class = DeliveryFilters

    def get_queryset(self) -> "QuerySet[Delivery]":
        hook = webhooks.visible(self.request.user).filter(pk=self.kwargs["webhook"]).first()
        if hook is None:
            raise NotFound("error.not_found")
        return hook.deliveries.select_related("webhook__tenant")

    @extend_schema(request=None, responses={202: DeliverySerializer})
    def resend(self, request: UserRequest, webhook: UUID, pk: UUID) -> Response:
        """Send an event once more under the same id."""
        made = webhooks.resend(request.user, self.get_object())
        return Response(DeliverySerializer(made).data, status=status.HTTP_202_ACCEPTED)


def _tenant(request: UserRequest, slug: str) -> Tenant:
    tenant = tenants_where(request.user, "tenant.view").filter(slug=slug).first()
    if tenant is None:
        raise Invalid("error.tenant_unknown", field="tenant", tenant=slug)
    return tenant


def _with_secret(row: Webhook, secret: str, code: int) -> Response:
    body = {**WebhookSerializer(row).data, "secret": secret}
    return Response(body, status=code, headers=NO_STORE)
