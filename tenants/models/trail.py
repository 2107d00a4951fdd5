"""The audit trail."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from tenants.models.people import User
from tenants.models.tenancy import Tenant


class AuditEntry(models.Model):
    """What someone did, kept for good; written in the transaction of the deed. Never holds a secret."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField(max_length=150)
    via = models.CharField(max_length=20, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=40, blank=True)
    action = models.CharField(max_length=60)
    tenant = models.ForeignKey(Tenant, models.PROTECT, null=True, blank=True, related_name="+")
    subject_type = models.CharField(max_length=40, blank=True)
    subject_id = models.CharField(max_length=64, blank=True, db_index=True)
    subject_name = models.CharField(max_length=200, blank=True)
    facts = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.subject_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write once: an entry is never changed."""
        if self.pk and not kwargs.get("force_insert"):
            raise ValueError("Audit entries are never changed.")
        super().save(*args, **kwargs)
