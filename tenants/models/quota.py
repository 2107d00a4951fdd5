"""How much a tenant may want, and what it wants."""

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


class QuotaLimit(models.Model):
    """How much of a kind a tenant may want; no row means none may be wanted."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="quota_limits")
    kind = models.CharField(max_length=20, choices=QuotaKind)
    limit = models.PositiveIntegerField()

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
