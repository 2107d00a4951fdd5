"""Clusters as they are wanted and as they were last seen, and what they are made of."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from tenants.access import TenantOwnedQuerySet
from tenants.models import Tenant, User, dns_label


class Cloud(models.Model):
    """One configured engine: where clusters run. `queue` is the Celery queue of the workers that can reach it."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    name_zh = models.CharField(max_length=80, blank=True)
    kind = models.CharField(max_length=20)
    options = models.JSONField(default=dict, blank=True)
    queue = models.CharField(max_length=40, default="celery")
    enabled = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position", "slug"]

    def __str__(self) -> str:
        return self.slug

    @property
    def label(self) -> str:
        return self.name_zh if self.name_zh and (get_language() or "").startswith("zh") else self.name


class Plan(models.Model):
    """A cluster's size and shape, and what it may be. Nodes are workers; sizes are of one node."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    name_zh = models.CharField(max_length=80, blank=True)
    control_plane = models.PositiveSmallIntegerField(default=1)
    vcpu = models.PositiveSmallIntegerField()
    memory_gib = models.PositiveSmallIntegerField()
    min_nodes = models.PositiveSmallIntegerField(default=1)
    max_nodes = models.PositiveSmallIntegerField()
    variables = models.JSONField(default=dict, blank=True)
    offered = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position", "slug"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(control_plane__in=[1, 3]), name="plan_control_plane_odd"),
            models.CheckConstraint(condition=Q(min_nodes__lte=models.F("max_nodes")), name="plan_nodes_in_order"),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def label(self) -> str:
        return self.name_zh if self.name_zh and (get_language() or "").startswith("zh") else self.name


class Cluster(models.Model):
    """A Kubernetes cluster that belongs to one tenant: what is wanted, and what was last observed with its time."""

    class Status(models.TextChoices):
        CREATING = "creating", _("Creating")
        RUNNING = "running", _("Running")
        CHANGING = "changing", _("Changing")
        DEGRADED = "degraded", _("Degraded")
        DELETING = "deleting", _("Deleting")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="clusters")
    name = models.CharField(max_length=63, validators=[dns_label])
    cloud = models.ForeignKey(Cloud, models.PROTECT, related_name="clusters")
    plan = models.ForeignKey(Plan, models.PROTECT, related_name="clusters")
    version = models.CharField(max_length=20)
    control_plane = models.PositiveSmallIntegerField(default=1)
    external_hostname = models.CharField(max_length=253, blank=True)
    labels = models.JSONField(default=dict, blank=True)
    network = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.CREATING)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    # last observed
    observed_at = models.DateTimeField(null=True, blank=True)
    endpoint = models.CharField(max_length=300, blank=True)
    authority = models.TextField(blank=True, help_text="PEM: under which the endpoint answers")
    followed = models.CharField(max_length=32, blank=True, help_text="the trust and grants in force; see rights.py")
    observed_version = models.CharField(max_length=20, blank=True)
    nodes_ready = models.PositiveSmallIntegerField(default=0)
    nodes_seen = models.JSONField(default=list, blank=True)
    conditions = models.JSONField(default=list, blank=True)

    objects = TenantOwnedQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name", "tenant"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="cluster_name_once_per_tenant",
                violation_error_message=_("The tenant has a cluster of this name already."),
            ),
            models.CheckConstraint(condition=Q(control_plane__in=[1, 3]), name="cluster_control_plane_odd"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant.slug}/{self.name}"

    @property
    def simulated_nodes(self) -> bool:
        """Whether what was seen, or what the engine makes here, are simulated nodes: said wherever nodes are shown."""
        return all(node["simulated"] for node in self.nodes_seen) if self.nodes_seen else True

    @property
    def nodes(self) -> int:
        """How many workers are wanted."""
        return sum(pool.nodes for pool in self.pools.all())


class NodePool(models.Model):
    """A group of equal worker nodes of a cluster."""

    cluster = models.ForeignKey(Cluster, models.CASCADE, related_name="pools")
    name = models.CharField(max_length=30, validators=[dns_label], default="default")
    nodes = models.PositiveSmallIntegerField()
    vcpu = models.PositiveSmallIntegerField()
    memory_gib = models.PositiveSmallIntegerField()

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["cluster", "name"], name="nodepool_once")]

    def __str__(self) -> str:
        return f"{self.cluster} {self.name}"


class Spare(models.Model):
    """A control plane made ahead, without nodes or owner; creating a cluster may take it over with its id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cloud = models.ForeignKey(Cloud, models.PROTECT, related_name="spares")
    version = models.CharField(max_length=20)
    ready = models.BooleanField(default=False)
    memory_mib = models.PositiveIntegerField(null=True, blank=True, help_text="as last measured on its host")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["created_at"]

    def __str__(self) -> str:
        return f"spare {self.version} on {self.cloud}"


class Kubeconfig(models.Model):
    """An issued credential: who holds it, at what level, until when. The kubeconfig itself is not kept."""

    class Kind(models.TextChoices):
        CERTIFICATE = "certificate", _("Client certificate")
        EXEC = "exec", _("Sign-in with pks")

    class Level(models.TextChoices):
        VIEW = "view", _("View")
        EDIT = "edit", _("Edit")
        ADMIN = "admin", _("Administer")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cluster = models.ForeignKey(Cluster, models.CASCADE, related_name="kubeconfigs")
    holder = models.ForeignKey(User, models.PROTECT, related_name="+")
    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=11, choices=Kind, default=Kind.CERTIFICATE)
    level = models.CharField(max_length=10, choices=Level)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="known of exec only: the last token for it")
    warned_at = models.DateTimeField(null=True, blank=True, help_text="when its holder was told that it ends soon")
    emergency = models.ForeignKey("EmergencyAccess", models.CASCADE, null=True, blank=True, related_name="kubeconfigs")

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def live(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()

    @property
    def state(self) -> str:
        """Whether it is "valid", "expired" or "revoked"."""
        if self.revoked_at is not None:
            return "revoked"
        return "valid" if self.live else "expired"


class StateInterval(models.Model):
    """A time in which a cluster had one status and size: what usage is counted from. Outlives the cluster."""

    cluster = models.UUIDField(db_index=True)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="+")
    name = models.CharField(max_length=63)
    cloud = models.CharField(max_length=40)
    plan = models.CharField(max_length=40)
    labels = models.JSONField(default=dict)
    simulated = models.BooleanField(default=False)
    status = models.CharField(max_length=10)
    nodes = models.PositiveSmallIntegerField()
    vcpu = models.PositiveIntegerField()
    memory_gib = models.PositiveIntegerField()
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["started_at", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["cluster"], condition=Q(ended_at__isnull=True), name="stateinterval_one_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.status} from {self.started_at:%F %T}"


class EmergencyAccess(models.Model):
    """A platform administrator inside a tenant's cluster for a while: why, until when, and whether it has ended."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cluster = models.ForeignKey(Cluster, models.CASCADE, related_name="emergencies")
    person = models.ForeignKey(User, models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    started_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-started_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["cluster", "person"], condition=Q(ended_at__isnull=True), name="emergency_one_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.person} in {self.cluster}"

    @property
    def live(self) -> bool:
        return self.ended_at is None and self.ends_at > timezone.now()
