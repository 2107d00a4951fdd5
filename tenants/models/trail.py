"""The audit trail: entries, the seals that chain them, and what was purged on schedule.

Entries, seals and purges are only ever inserted: triggers refuse anything else (tenants/audit/guards.py).
"""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from tenants.models.people import User
from tenants.models.tenancy import Tenant


class WriteOnce(models.Model):
    """A row that is inserted and then stays as it is."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert the row. Raises ValueError when it is there already."""
        if not self._state.adding:
            raise ValueError(f"A row of {self._meta.label} is never changed.")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse: only what was purged on schedule goes, and that goes by tenants/audit/purging.py."""
        raise ValueError(f"A row of {self._meta.label} is never deleted.")


class AuditEntry(WriteOnce):
    """What someone did, kept for good; written in the transaction of the deed. Never holds a secret."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    actor_name = models.CharField(max_length=150)
    via = models.CharField(max_length=20, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    request_id = models.CharField(max_length=40, blank=True, db_index=True)
    action = models.CharField(max_length=60, db_index=True)
    tenant = models.ForeignKey(Tenant, models.PROTECT, null=True, blank=True, related_name="+")
    subject_type = models.CharField(max_length=40, blank=True)
    subject_id = models.CharField(max_length=64, blank=True, db_index=True)
    subject_name = models.CharField(max_length=200, blank=True)
    facts = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.action} {self.subject_name}"


class AuditSeal(WriteOnce):
    """An entry's place in the chain: its number, and a SHA-256 (hex) over the seal before, the number and the entry."""

    entry = models.OneToOneField(AuditEntry, models.PROTECT, primary_key=True, related_name="seal")
    number = models.PositiveBigIntegerField(unique=True)
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


class AuditPurge(WriteOnce):
    """The chain up to `number`, whose seal was `hash`, went because it was older than what is kept."""

    number = models.PositiveBigIntegerField(unique=True)
    hash = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=150)

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


class AuditHead(models.Model):
    """The one row that sealers take turns on: the last seal, and how the chain was when it was last verified."""

    number = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)
    entry_id = models.BigIntegerField(default=0, help_text="the highest entry that has a seal")
    told_at = models.DateTimeField(null=True, blank=True, help_text="when the head was last written to the log")
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_number = models.PositiveBigIntegerField(default=0)
    verified_fault = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"
