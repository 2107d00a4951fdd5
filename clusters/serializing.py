"""How clusters, plans and versions look to programs."""

from collections.abc import Iterable
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from clusters.credentials import MOST_AT_ONCE
from clusters.models import Cloud, Cluster, Kubeconfig, Plan
from clusters.wishes import HOSTNAME_LENGTH, hostname
from pks_portal import messages
from pks_portal.operations.api import SpanSerializer, TaskSerializer
from pks_portal.operations.models import Operation
from tenants.api.quota_requests import AmountsSerializer, QuotaRequestSerializer
from tenants.api.quotas import QuotaLineSerializer
from tenants.http import StrictSerializer
from tenants.models import dns_label
from tenants.requests import LONGEST_TEXT


class PlanSerializer(serializers.ModelSerializer[Plan]):
    class Meta:
        model = Plan
        fields: ClassVar = [
            "slug", "name", "name_zh", "control_plane", "vcpu", "memory_gib", "min_nodes", "max_nodes",
        ]  # fmt: skip


class CloudSerializer(serializers.ModelSerializer[Cloud]):
    engine = serializers.CharField(source="kind")

    class Meta:
        model = Cloud
        fields: ClassVar = ["slug", "name", "name_zh", "engine"]


class NodeSerializer(serializers.Serializer[dict[str, Any]]):
    """A node as the cluster's own API shows it; requests are those of its pods."""

    name = serializers.CharField()
    pool = serializers.CharField()
    ready = serializers.BooleanField()
    schedulable = serializers.BooleanField()
    version = serializers.CharField()
    simulated = serializers.BooleanField()
    created = serializers.DateTimeField(allow_null=True)
    pods = serializers.IntegerField(allow_null=True)
    vcpu = serializers.FloatField(allow_null=True)
    memory_gib = serializers.FloatField(allow_null=True)
    vcpu_requested = serializers.FloatField(allow_null=True)
    memory_gib_requested = serializers.FloatField(allow_null=True)


class ConditionSerializer(serializers.Serializer[dict[str, Any]]):
    name = serializers.CharField()
    ok = serializers.BooleanField()
    since = serializers.DateTimeField(allow_null=True)
    text = serializers.SerializerMethodField()

    def get_text(self, condition: dict[str, Any]) -> str:
        return messages.render(condition["key"], condition["args"])


class ClusterSerializer(serializers.ModelSerializer[Cluster]):
    tenant = serializers.CharField(source="tenant.slug")
    plan = serializers.CharField(source="plan.slug")
    cloud = serializers.CharField(source="cloud.slug")
    engine = serializers.CharField(source="cloud.kind")
    status_label = serializers.CharField(source="get_status_display")
    simulated_nodes = serializers.BooleanField()
    nodes_wanted = serializers.IntegerField(source="nodes")
    created_by = serializers.CharField(source="created_by.username")
    labels = serializers.DictField(child=serializers.CharField(allow_blank=True))
    task = serializers.SerializerMethodField()
    _tasks: dict[UUID, Operation] | None = None  # of all clusters of a list, read together

    class Meta:
        model = Cluster
        fields: ClassVar = [
            "id", "name", "tenant", "status", "status_label", "plan", "cloud", "engine", "simulated_nodes", "version",
            "observed_version", "control_plane", "nodes_wanted", "nodes_ready", "endpoint", "external_hostname",
            "labels", "created_at", "created_by", "observed_at", "task",
        ]  # fmt: skip

    @extend_schema(responses=TaskSerializer(allow_null=True))
    def get_task(self, cluster: Cluster) -> dict[str, Any] | None:
        """Return the unfinished task, if there is one."""
        page = self.parent.instance if isinstance(self.parent, serializers.ListSerializer) else None
        if self._tasks is None or page is None:
            self._tasks = _unfinished([cluster] if page is None else page)
        operation = self._tasks.get(cluster.pk)
        return dict(TaskSerializer(operation).data) if operation else None


def _unfinished(clusters: Iterable[Cluster]) -> dict[UUID, Operation]:
    """Return by cluster its unfinished task; of two the one that has begun."""
    rows = Operation.objects.filter(subject_id__in=[row.pk for row in clusters], status__in=Operation.UNFINISHED)
    return {row.subject_id: row for row in rows.select_related("tenant").order_by("status")}


class ClusterDetailSerializer(ClusterSerializer):
    nodes = NodeSerializer(source="nodes_seen", many=True)
    conditions = ConditionSerializer(many=True)

    class Meta(ClusterSerializer.Meta):
        fields: ClassVar = [*ClusterSerializer.Meta.fields, "nodes", "conditions"]


class AskingSerializer(StrictSerializer):
    """With ?request=true only: how a wish over the quota is asked for.

    `least`: the fewest nodes that would do, when only a part is granted. `amounts`: how much more to ask for, where
    that is to be more than the wish needs.
    """

    reason = serializers.CharField(max_length=LONGEST_TEXT, required=False, allow_blank=True)
    least = serializers.IntegerField(required=False)
    amounts = AmountsSerializer(required=False)


class NewClusterSerializer(StrictSerializer):
    """A wish; what is left out gets the default (first cloud, default version)."""

    tenant = serializers.SlugField(max_length=40)
    name = serializers.CharField(max_length=63, validators=[dns_label])
    plan = serializers.SlugField(max_length=40)
    nodes = serializers.IntegerField()
    version = serializers.CharField(max_length=20, required=False)
    cloud = serializers.SlugField(max_length=40, required=False)
    external_hostname = serializers.CharField(
        max_length=HOSTNAME_LENGTH, required=False, allow_blank=True, validators=[hostname]
    )
    labels = serializers.DictField(child=serializers.CharField(allow_blank=True, max_length=63), required=False)
    request = AskingSerializer(required=False)


class ChangeSerializer(StrictSerializer):
    nodes = serializers.IntegerField(required=False)
    labels = serializers.DictField(child=serializers.CharField(allow_blank=True, max_length=63), required=False)
    request = AskingSerializer(required=False)


class DryRunQuery(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField(default=False, help_text="Only say what would happen.")


class WishQuery(DryRunQuery):
    request = serializers.BooleanField(
        default=False, help_text="If it is over the quota, hold it and ask for that, instead of refusing it (409)."
    )


class StartedSerializer(serializers.Serializer[Any]):
    """The task; `cluster` is null while a new one is held for an approval, `request` is what it then waits for."""

    task = TaskSerializer()
    cluster = ClusterSerializer(allow_null=True)
    request = QuotaRequestSerializer(allow_null=True)


class PlannedStepSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    text = serializers.SerializerMethodField()

    def get_text(self, step: Any) -> str:
        return messages.render(f"step.{step.name}", {})


class PreviewSerializer(serializers.Serializer[Any]):
    """What a change would do; `refusals` are problem documents that the change itself would be answered with."""

    steps = PlannedStepSerializer(many=True, source="engine.steps")
    nodes_added = serializers.ListField(child=serializers.CharField(), source="engine.nodes_added")
    nodes_removed = serializers.ListField(child=serializers.CharField(), source="engine.nodes_removed")
    memory_needed_gib = serializers.FloatField(source="engine.memory_needed_gib", allow_null=True)
    memory_free_gib = serializers.FloatField(source="engine.memory_free_gib", allow_null=True)
    quota = QuotaLineSerializer(many=True)
    refusals = serializers.SerializerMethodField()
    seconds = serializers.SerializerMethodField()

    @extend_schema(responses={"type": "array", "items": {"type": "object"}})
    def get_refusals(self, preview: Any) -> list[dict[str, Any]]:
        return [refusal.as_problem() for refusal in preview.refusals]

    @extend_schema(responses=SpanSerializer(allow_null=True))
    def get_seconds(self, preview: Any) -> dict[str, float] | None:
        return {"median": preview.seconds[0], "p90": preview.seconds[1]} if preview.seconds else None


HOURS = (
    f"1 to {settings.PKS_KUBECONFIG_MAX_HOURS}; "
    f"a certificate of level admin at most {settings.PKS_KUBECONFIG_MAX_HOURS_ADMIN}"
)


class NewKubeconfigSerializer(StrictSerializer):
    kind = serializers.ChoiceField(choices=Kubeconfig.Kind.choices, default=Kubeconfig.Kind.CERTIFICATE)
    level = serializers.ChoiceField(choices=Kubeconfig.Level.choices, default=Kubeconfig.Level.EDIT)
    hours = serializers.IntegerField(default=8, help_text=HOURS)


class KubeconfigSerializer(serializers.ModelSerializer[Kubeconfig]):
    """`last_used_at` is null of a certificate always: the portal is not told when it is shown to the cluster."""

    holder = serializers.CharField(source="holder.username")
    cluster = serializers.UUIDField(source="cluster_id")
    cluster_name = serializers.CharField(source="cluster.name")
    tenant = serializers.CharField(source="cluster.tenant.slug")

    class Meta:
        model = Kubeconfig
        fields: ClassVar = [
            "id", "name", "cluster", "cluster_name", "tenant", "holder", "kind", "level", "created_at", "expires_at",
            "last_used_at", "revoked_at", "live",
        ]  # fmt: skip


class TokenWishSerializer(StrictSerializer):
    kubeconfig = serializers.UUIDField(required=False, help_text="the id of the exec kubeconfig that asks")


class IdentityTokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class IssuedKubeconfigSerializer(KubeconfigSerializer):
    kubeconfig = serializers.CharField()

    class Meta(KubeconfigSerializer.Meta):
        fields: ClassVar = [*KubeconfigSerializer.Meta.fields, "kubeconfig"]


class NewMergedSerializer(NewKubeconfigSerializer):
    clusters = serializers.ListField(child=serializers.UUIDField(), help_text=f"1 to {MOST_AT_ONCE} clusters")


class RefusedClusterSerializer(serializers.Serializer[Any]):
    cluster = serializers.UUIDField()
    name = serializers.CharField()
    tenant = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class MergedSerializer(serializers.Serializer[Any]):
    """One kubeconfig with a context for each cluster that is `issued`; those that are not, and why, under `refused`."""

    kubeconfig = serializers.CharField()
    issued = KubeconfigSerializer(many=True)
    refused = RefusedClusterSerializer(many=True)


class RevokeSerializer(StrictSerializer):
    """Exactly one of them: all of mine, all of a cluster, or all of a person."""

    mine = serializers.BooleanField(required=False)
    cluster = serializers.UUIDField(required=False)
    holder = serializers.CharField(max_length=150, required=False)


class NotRevokedSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    code = serializers.CharField()
    detail = serializers.CharField()


class RevokedSerializer(serializers.Serializer[Any]):
    """Which were revoked; those that still open their cluster, because it does not answer, under `failed`."""

    revoked = serializers.ListField(child=serializers.UUIDField())
    failed = NotRevokedSerializer(many=True)
