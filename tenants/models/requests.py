"""Requests for more than the limits, and what was granted on top of them."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.models.people import User
from tenants.models.quota import QuotaKind
from tenants.models.tenancy import Tenant


class QuotaRequest(models.Model):
    """Somebody asks that their tenant may have more, for a wish that waits for it (a held task) or for later.

    `wish` is the held task's id; `wish_said` its title as stored text ({key, args}); `subject` the cluster's id, under
    which it reserves. `size` says how big the wish is: {nodes, least, fixed: {kind: n}, per_node: {kind: n}} and, to be
    shown, {plan, version, cloud}. `expires_at` is the end of what was granted. `decided_by` is null when the portal
    itself ended it.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting for a decision")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        LAPSED = "lapsed", _("Lapsed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="quota_requests")
    requester = models.ForeignKey(User, models.PROTECT, related_name="quota_requests")
    reason = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    wish = models.UUIDField(null=True, blank=True, unique=True)
    wish_said = models.JSONField(default=dict, blank=True)
    subject = models.UUIDField(null=True, blank=True)
    size = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    comment = models.TextField(blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at", "id"]
        indexes: ClassVar = [
            models.Index(fields=["status", "created_at"], name="quotarequest_waiting"),
            models.Index(fields=["tenant", "created_at"], name="quotarequest_of_tenant"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(status="approved") | ~Q(decided_by=models.F("requester")),
                name="quotarequest_not_by_oneself",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant.slug}: {self.requester}"

    @property
    def pending(self) -> bool:
        return self.status == self.Status.PENDING


class QuotaRequestLine(models.Model):
    """How much more of a kind is asked for and, once it is approved, granted."""

    request = models.ForeignKey(QuotaRequest, models.CASCADE, related_name="lines")
    kind = models.CharField(max_length=20, choices=QuotaKind)
    asked = models.PositiveIntegerField()
    granted = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["request", "kind"], name="quotarequestline_once")]

    def __str__(self) -> str:
        return f"{self.asked} {self.kind}"


class QuotaGrant(models.Model):
    """What a tenant may have on top of its limit of a kind, for good or until `expires_at`.

    It counts by the clock; `ended_at` is when the portal noted, and told, that it is over.
    """

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="quota_grants")
    kind = models.CharField(max_length=20, choices=QuotaKind)
    amount = models.PositiveIntegerField()
    request = models.ForeignKey(QuotaRequest, models.PROTECT, related_name="grants")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["created_at", "pk"]
        indexes: ClassVar = [
            models.Index(fields=["expires_at"], condition=Q(ended_at__isnull=True), name="quotagrant_due"),
        ]
        constraints: ClassVar = [models.UniqueConstraint(fields=["request", "kind"], name="quotagrant_once")]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.amount} {self.kind}"
