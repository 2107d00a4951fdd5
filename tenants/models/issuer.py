"""The keys with which the portal signs who somebody is, for the clusters that trust it."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from pks_portal.sealed import SealedField


class SigningKey(models.Model):
    """A private key (RSA, PEM, sealed). Published from the beginning, it signs from `not_before` until `expires_at`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pem = SealedField()
    created_at = models.DateTimeField(default=timezone.now)
    not_before = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["not_before"]

    def __str__(self) -> str:
        return f"signing key of {self.not_before:%F}"
