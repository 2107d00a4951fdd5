"""What programs use the portal with: accounts of their own, tokens that live long, and requests that come twice."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from tenants.models.people import User
from tenants.models.tenancy import Membership, Tenant


class ServiceAccount(models.Model):
    """A program of one tenant. Its `user` acts for it everywhere, so policy and audit know it as they know people."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="service_account")
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="service_accounts")
    name = models.CharField(max_length=40)
    about = models.CharField(max_length=200, blank=True)
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "name"], condition=Q(deleted_at__isnull=True), name="serviceaccount_name_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tenant}/{self.name}"

    @property
    def disabled(self) -> bool:
        return not self.user.is_active

    @property
    def membership(self) -> Membership | None:
        """Its role in its tenant; None when somebody took that away."""
        return next((row for row in self.user.memberships.all() if row.tenant_id == self.tenant_id), None)


class ApiToken(models.Model):
    """A token of a person or service account that lives for days; only hashes of its secrets are kept.

    `scopes`: see tenants/scopes.py. `networks`: CIDRs that it may come from, none: from anywhere. After a rotation the
    secret before is good until `previous_until`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60)
    secret_hash = models.CharField(max_length=64)
    previous_hash = models.CharField(max_length=64, blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    scopes = models.JSONField(default=list)
    networks = models.JSONField(default=list, blank=True)
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    rotated_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_address = models.GenericIPAddressField(null=True, blank=True)
    warned_at = models.DateTimeField(null=True, blank=True, help_text="when it was told that it ends soon")
    refused_at = models.DateTimeField(null=True, blank=True, help_text="when it last came from a wrong network")

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "name"], name="apitoken_name_once")]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"

    @property
    def stamp(self) -> str:
        """Which secret it has: a form that was made for another is too old."""
        return self.rotated_at.isoformat() if self.rotated_at else ""


class IdempotencyRecord(models.Model):
    """A changing request that carried an Idempotency-Key, and what it was answered.

    `digest` is over method, path, body and scope. Its id is the request's key inside the portal too: the task that
    the request made carries it, so that it is made once even when the process died before it could answer. `allowed`
    is what the policy allowed on the way, [action, tenant's key]: the answer is for who may still do all of it.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        FREE = "free"  # it failed in a way that may be tried again
        DONE = "done"
        SHOWN = "shown"  # done, with an answer that is shown once: `body` holds only what it made

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    actor = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.CharField(max_length=80)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=500)
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    claim = models.UUIDField(default=uuid.uuid4, help_text="of the process that carries the request out")
    claimed_at = models.DateTimeField(default=timezone.now)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    headers = models.JSONField(default=dict)
    allowed = models.JSONField(default=list)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["actor", "key"], name="idempotencyrecord_once")]

    def __str__(self) -> str:
        return f"{self.method} {self.path} by {self.actor}: {self.state}"
