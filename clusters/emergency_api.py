"""REST: emergency access to a cluster."""

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from clusters import emergency
from clusters.models import Cluster, EmergencyAccess
from pks_portal.errors import NotFound
from pks_portal.pages import CursorPages
from tenants import stepup
from tenants.http import StrictSerializer, UserRequest

LIVES = f"{emergency.SHORTEST_MINUTES} to {emergency.LONGEST_MINUTES}"


class EmergencyAccessSerializer(serializers.ModelSerializer[EmergencyAccess]):
    """`ended_at` is null until its rights are gone from the cluster; `live` says whether it opens it now."""

    person = serializers.CharField(source="person.username")
    cluster = serializers.UUIDField(source="cluster_id")

    class Meta:
        model = EmergencyAccess
        fields: ClassVar = ["id", "cluster", "person", "reason", "started_at", "ends_at", "ended_at", "live"]


class EnteredSerializer(EmergencyAccessSerializer):
    kubeconfig = serializers.CharField()

    class Meta(EmergencyAccessSerializer.Meta):
        fields: ClassVar = [*EmergencyAccessSerializer.Meta.fields, "kubeconfig"]


class EmergencySerializer(StrictSerializer):
    reason = serializers.CharField(help_text="Everybody who sees the cluster reads it.")
    minutes = serializers.IntegerField(default=emergency.LONGEST_MINUTES // 2, help_text=LIVES)


class StartPages(CursorPages):
    ordering = "-started_at"


class EmergencyViewSet(GenericViewSet[EmergencyAccess]):
    """How platform administrators enter a tenant's cluster, for an hour at most. No API token can."""

    queryset = EmergencyAccess.objects.none()
    serializer_class = EmergencyAccessSerializer
    pagination_class = StartPages

    @extend_schema(responses=EmergencyAccessSerializer(many=True))
    def list(self, request: UserRequest, cluster: UUID) -> Response:
        """List who entered the cluster, why and until when, the newest first."""
        rows: Any = _cluster(request, cluster).emergencies.select_related("person")
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response(EmergencyAccessSerializer(page, many=True).data)

    @extend_schema(request=EmergencySerializer, responses={201: EnteredSerializer})
    def create(self, request: UserRequest, cluster: UUID) -> Response:
        """Enter the cluster as its administrator; the kubeconfig is shown once, and the tenant's admins are told."""
        row = _cluster(request, cluster)
        stepup.guard(request)
        data = EmergencySerializer(data=request.data)
        data.is_valid(raise_exception=True)
        access, credential = emergency.enter(request.user, row, **data.validated_data)
        body = {**EmergencyAccessSerializer(access).data, "kubeconfig": credential.kubeconfig}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

    @extend_schema(responses={204: None})
    def destroy(self, request: UserRequest, cluster: UUID) -> Response:
        """End one's own access; who has none there ends everybody's (the tenant's and the platform's admins)."""
        emergency.leave_cluster(request.user, _cluster(request, cluster))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _cluster(request: UserRequest, pk: UUID) -> Cluster:
    rows = Cluster.objects.visible_to(request.user, "cluster.view").select_related("tenant", "plan", "cloud")
    if (row := rows.prefetch_related("pools").filter(pk=pk).first()) is None:
        raise NotFound("error.not_found")
    return row
