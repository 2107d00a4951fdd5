"""How much a tenant may want, what it wants, and what it wanted day by day."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models.tenancy import Tenant


class QuotaKind(models.TextChoices):
    """What is limited; each feature reserves the kinds it uses."""

    CLUSTERS = "clusters", _("Clusters")
    NODES = "nodes", _("Nodes")
    VCPU = "vcpu", _("vCPU")
    MEMORY_GIB = "memory_gib", _("Memory (GiB)")
    STORAGE_GIB = "storage_gib", _("Storage (GiB)")
    REGISTRY_GIB = "registry_gib", _("Registry storage (GiB)")


class QuotaLimit(models.Model):
    """How much of a kind a tenant may want, null: as much as it likes; no row means none may be wanted."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="quota_limits")
    kind = models.CharField(max_length=20, choices=QuotaKind)
    limit = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "kind"], name="quotalimit_once")]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.limit} {self.kind}"


class Reservation(models.Model):
    """What one subject (a cluster) wants of a kind; written by the feature in the transaction of the wish."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="reservations")
    kind = models.CharField(max_length=20, choices=QuotaKind)
    subject = models.UUIDField()
    amount = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "subject"], name="reservation_once")]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.amount} {self.kind} for {self.subject}"


class QuotaUsage(models.Model):
    """How much of a kind a tenant wanted on a day (UTC), at most and last; a day without a row is as the one before."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20, choices=QuotaKind)
    day = models.DateField()
    highest = models.PositiveIntegerField()
    last = models.PositiveIntegerField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["tenant", "kind", "day"], name="quotausage_once")]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.highest} {self.kind} on {self.day}"
