"""REST: clusters, their kubeconfigs, and the plans and versions they can have."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from clusters import credentials, held, services, wallet, wishes
from clusters.engines.local import binaries
from clusters.filters import ClusterFilters
from clusters.models import Cloud, Cluster, Kubeconfig, Plan
from clusters.serializing import (
    ChangeSerializer,
    CloudSerializer,
    ClusterDetailSerializer,
    ClusterSerializer,
    DryRunQuery,
    IdentityTokenSerializer,
    IssuedKubeconfigSerializer,
    KubeconfigSerializer,
    NewClusterSerializer,
    NewKubeconfigSerializer,
    PlanSerializer,
    PreviewSerializer,
    StartedSerializer,
    TokenWishSerializer,
    WishQuery,
)
from pks_portal.errors import Invalid, NotFound, QuotaExceeded
from pks_portal.operations.models import Operation
from pks_portal.pages import CursorPages
from tenants import stepup
from tenants.access import tenants_where
from tenants.api.idempotency import request_key
from tenants.http import UserRequest
from tenants.models import QuotaRequest, Tenant

CHANGED = PolymorphicProxySerializer(
    component_name="Changed", serializers=[PreviewSerializer, ClusterSerializer], resource_type_field_name=None
)


class PositionPages(CursorPages):
    ordering = "position"


class PlanViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Plan]):
    """What a cluster's size and shape may be."""

    queryset = Plan.objects.filter(offered=True)
    serializer_class = PlanSerializer
    pagination_class = PositionPages
    lookup_field = "slug"


class CloudViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Cloud]):
    """Where clusters may run."""

    queryset = Cloud.objects.filter(enabled=True)
    serializer_class = CloudSerializer
    pagination_class = PositionPages
    lookup_field = "slug"


class ClusterViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Cluster]):
    """Kubernetes clusters. Changes answer 202 with the task that carries them out."""

    queryset = Cluster.objects.none()
    filterset_class = ClusterFilters

    def get_serializer_class(self) -> type[ClusterSerializer]:
        return ClusterDetailSerializer if self.action == "retrieve" else ClusterSerializer

    def get_queryset(self) -> Any:
        rows = Cluster.objects.visible_to(self.request.user, "cluster.view")
        return rows.select_related("tenant", "plan", "cloud", "created_by").prefetch_related("pools")

    @extend_schema(
        parameters=[WishQuery],
        request=NewClusterSerializer,
        responses={202: StartedSerializer, 200: PreviewSerializer},
    )
    def create(self, request: UserRequest) -> Response:
        """Ask for a cluster."""
        data = NewClusterSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        tenant, wish = _wish(request, data.validated_data)
        if _dry(request):
            return Response(PreviewSerializer(services.preview_create(request.user, tenant, wish)).data)
        try:
            operation, cluster = services.create_cluster(request.user, tenant, wish, request_key=request_key(request))
        except QuotaExceeded as refusal:
            asking = _asking(request, data.validated_data, refusal)
            return _held(*held.create_cluster(request.user, tenant, wish, asking, request_key=request_key(request)))
        return _started(operation, cluster)

    @extend_schema(
        parameters=[WishQuery],
        request=ChangeSerializer,
        responses={202: StartedSerializer, 200: CHANGED},
    )
    def partial_update(self, request: UserRequest, pk: str | None = None) -> Response:
        """Change the number of nodes, or the labels."""
        cluster = self.get_object()
        data = ChangeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        nodes, labels = data.validated_data.get("nodes"), data.validated_data.get("labels")
        if _dry(request):
            if nodes is None:
                raise Invalid("error.dry_run_nodes", field="nodes")
            return Response(PreviewSerializer(services.preview_scale(request.user, cluster, nodes)).data)
        if labels is not None:
            services.set_labels(request.user, cluster, labels)
        if nodes is None:
            return Response(ClusterSerializer(cluster).data)
        try:
            operation = services.scale_cluster(request.user, cluster, nodes, request_key=request_key(request))
        except QuotaExceeded as refusal:
            asking, key = _asking(request, data.validated_data, refusal), request_key(request)
            return _held(*held.scale_cluster(request.user, cluster, nodes, asking, request_key=key))
        return _started(operation, cluster)

    @extend_schema(responses={202: StartedSerializer})
    def destroy(self, request: UserRequest, pk: str | None = None) -> Response:
        """Remove the cluster and all that it consists of."""
        cluster = self.get_object()
        if _dry(request):
            raise Invalid("error.dry_run_nodes", field="dry_run")
        return _started(services.delete_cluster(request.user, cluster, request_key=request_key(request)), cluster)

    @extend_schema(methods=["GET"], responses=KubeconfigSerializer(many=True))
    @extend_schema(methods=["POST"], request=NewKubeconfigSerializer, responses={201: IssuedKubeconfigSerializer})
    @action(detail=True, methods=["get", "post"], filter_backends=[])
    def kubeconfigs(self, request: UserRequest, pk: str | None = None) -> Response:
        """List the kubeconfigs issued for the cluster, or issue one: it is shown once and not kept."""
        cluster = self.get_object()
        if request.method == "GET":
            rows: Any = wallet.visible_to(request.user).filter(cluster=cluster)
            page: Any = self.paginate_queryset(rows)
            return self.get_paginated_response(KubeconfigSerializer(page, many=True).data)
        data = NewKubeconfigSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        if credentials.is_sensitive(data.validated_data["kind"], data.validated_data["level"]):
            stepup.guard(request)
        row, text = credentials.issue_kubeconfig(request.user, cluster, **data.validated_data)
        body = {**KubeconfigSerializer(row).data, "kubeconfig": text}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

    @extend_schema(request=TokenWishSerializer, responses={200: IdentityTokenSerializer})
    @action(detail=True, methods=["post"], filter_backends=[])
    def token(self, request: UserRequest, pk: str | None = None) -> Response:
        """Return a token that says to the cluster who you are, for five minutes: what `pks token` gives kubectl."""
        cluster = self.get_object()
        stepup.guard(request)  # of a page's session: `pks` comes with a token
        data = TokenWishSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        identity = credentials.identity_token(request.user, cluster, str(data.validated_data.get("kubeconfig") or ""))
        body = IdentityTokenSerializer({"token": identity.token, "expires_at": identity.expires}).data
        return Response(body, headers={"Cache-Control": "no-store"})

    @extend_schema(responses={204: None}, parameters=[OpenApiParameter("kubeconfig", OpenApiTypes.UUID, "path")])
    @action(detail=True, methods=["delete"], url_path=r"kubeconfigs/(?P<kubeconfig>[0-9a-f-]{36})")
    def revoke(self, request: UserRequest, kubeconfig: str, pk: str | None = None) -> Response:
        """Take a kubeconfig's rights away at once."""
        cluster = self.get_object()
        rows = Kubeconfig.objects.select_related("cluster__tenant", "cluster__cloud")
        if (row := rows.filter(cluster=cluster, pk=kubeconfig).first()) is None:
            raise NotFound("error.not_found")
        credentials.revoke_kubeconfig(request.user, row)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _wish(request: UserRequest, data: dict[str, Any]) -> tuple[Tenant, wishes.NewCluster]:
    """Turn validated input into the service's terms; what is unknown is named with its field."""
    tenant = tenants_where(request.user, "cluster.view").filter(slug=data["tenant"]).first()
    if tenant is None:
        raise Invalid("error.tenant_unknown", field="tenant", tenant=data["tenant"])
    plan = Plan.objects.filter(slug=data["plan"], offered=True).first()
    if plan is None:
        raise wishes.plan_unknown(data["plan"])
    clouds = Cloud.objects.filter(enabled=True)
    cloud = clouds.filter(slug=data["cloud"]).first() if data.get("cloud") else clouds.first()
    if cloud is None:
        raise wishes.cloud_unknown(data.get("cloud", ""))
    return tenant, wishes.NewCluster(
        name=data["name"],
        plan=plan,
        nodes=data["nodes"],
        version=data.get("version") or binaries.default(),
        cloud=cloud,
        external_hostname=data.get("external_hostname", ""),
        labels=data.get("labels", {}),
    )


def _dry(request: UserRequest) -> bool:
    query = DryRunQuery(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    return bool(query.validated_data["dry_run"])


def _asking(request: UserRequest, data: dict[str, Any], refusal: QuotaExceeded) -> held.Asking:
    """Return how a wish that is over the quota is asked for. Raises its refusal where that is not wanted."""
    query = WishQuery(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    if not query.validated_data["request"]:
        raise refusal
    asked = data.get("request", {})
    return held.Asking(reason=asked.get("reason", ""), extra=asked.get("amounts", {}), least=asked.get("least"))


def _held(operation: Operation, asked: QuotaRequest | None) -> Response:
    """Answer 202 with a task that waits for approval, its request, and its cluster where that is there."""
    return _started(operation, Cluster.objects.filter(pk=operation.subject_id).first(), asked)


def _started(operation: Operation, cluster: Cluster | None, asked: QuotaRequest | None = None) -> Response:
    """Answer 202 with the task and where to follow it."""
    if cluster is not None:
        cluster.refresh_from_db()
    body = StartedSerializer({"task": operation, "cluster": cluster, "request": asked}).data
    location = {"Location": f"/api/v1/tasks/{operation.pk}"}
    return Response(body, status=status.HTTP_202_ACCEPTED, headers=location)
