"""Tokens of signed-in people."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from tenants.models.people import User


class AccessToken(models.Model):
    """A signed-in person's token for REST and the command line; only a hash of the secret is kept."""

    class Kind(models.TextChoices):
        ACCESS = "access"
        REFRESH = "refresh"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="access_tokens")
    kind = models.CharField(max_length=10, choices=Kind)
    secret_hash = models.CharField(max_length=64)
    session = models.UUIDField(help_text="one sign-in: refreshing keeps it, revoking ends all of it")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_address = models.GenericIPAddressField(null=True, blank=True)
    client = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.kind} token of {self.user}"
