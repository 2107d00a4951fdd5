"""REST: the kubeconfigs of all clusters, one for several clusters, and revoking many at once."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from clusters import credentials, wallet
from clusters.filters import KubeconfigFilters
from clusters.models import Cluster, Kubeconfig
from clusters.serializing import (
    KubeconfigSerializer,
    MergedSerializer,
    NewMergedSerializer,
    RevokedSerializer,
    RevokeSerializer,
)
from pks_portal.errors import Invalid
from tenants import stepup
from tenants.http import UserRequest
from tenants.models import User


class KubeconfigViewSet(mixins.ListModelMixin, GenericViewSet[Kubeconfig]):
    """Issued kubeconfigs: one's own, and those of the tenants where one may list them. Never their text."""

    queryset = Kubeconfig.objects.none()
    serializer_class = KubeconfigSerializer
    filterset_class = KubeconfigFilters

    def get_queryset(self) -> Any:
        return wallet.visible_to(self.request.user)  # type: ignore[arg-type]

    @extend_schema(request=NewMergedSerializer, responses={201: MergedSerializer})
    def create(self, request: UserRequest) -> Response:
        """Issue one kubeconfig for several clusters, a context each; it is shown once and not kept."""
        data = NewMergedSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        wish = data.validated_data
        clusters = _clusters(request.user, wish.pop("clusters"))
        if credentials.is_sensitive(wish["kind"], wish["level"]):
            stepup.guard(request)
        made = credentials.issue_merged(request.user, clusters, **wish)
        body = {
            "kubeconfig": made.text,
            "issued": KubeconfigSerializer(made.rows, many=True).data,
            "refused": credentials.told(made.refused),
        }
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

    @extend_schema(responses={204: None})
    def destroy(self, request: UserRequest, pk: str | None = None) -> Response:
        """Take a kubeconfig's rights away: a certificate's at once, an exec's with its last token, in five minutes."""
        credentials.revoke_kubeconfig(request.user, self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=RevokeSerializer, responses={200: RevokedSerializer}, filters=False)
    @action(detail=False, methods=["post"], pagination_class=None)
    def revoke(self, request: UserRequest) -> Response:
        """Take the rights of all valid ones away: of mine, of a cluster, or of a person."""
        data = RevokeSerializer(data=request.data)
        data.is_valid(raise_exception=True)
        done, failed = wallet.revoke(request.user, _chosen(request.user, data.validated_data))
        body = {
            "revoked": [row.pk for row in done],
            "failed": [{"id": row.pk, "code": error.code, "detail": error.detail} for row, error in failed],
        }
        return Response(RevokedSerializer(body).data)


def _clusters(user: User, ids: list[UUID]) -> list[Cluster]:
    """Return the clusters in the order asked for, each once. Raises Invalid for one that the person cannot see."""
    rows = Cluster.objects.visible_to(user, "cluster.view").select_related("tenant", "plan", "cloud")
    found = rows.prefetch_related("pools").in_bulk(list(ids)[: credentials.MOST_AT_ONCE + 1])
    wanted = list(dict.fromkeys(ids))
    if len(wanted) > credentials.MOST_AT_ONCE:
        raise Invalid("error.kubeconfig_clusters", field="clusters", number=len(wanted), most=credentials.MOST_AT_ONCE)
    if strange := [pk for pk in wanted if pk not in found]:
        raise Invalid("error.cluster_unknown", field="clusters", name=str(strange[0]))
    return [found[pk] for pk in wanted]


def _chosen(user: User, wish: dict[str, Any]) -> list[Kubeconfig]:
    if len(wish) != 1 or wish.get("mine") is False:
        raise Invalid("error.kubeconfigs_chosen")
    if "mine" in wish:
        return wallet.mine(user)
    if "holder" in wish:
        return _of_holder(user, wish["holder"])
    return wallet.of_cluster(user, _clusters(user, [wish["cluster"]])[0])


def _of_holder(user: User, holder: str) -> list[Kubeconfig]:
    if not wallet.visible_to(user).filter(holder__username=holder).exists():
        raise Invalid("error.holder_unknown", field="holder", holder=holder)
    return wallet.of_holder(user, holder)
