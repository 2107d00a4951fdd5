"""Whose signatures count in a project, and which vulnerabilities it has been allowed to live with."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from registry.models.projects import Project
from tenants.models import User


class TrustedKey(models.Model):
    """A public key whose signatures count in a project."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="trusted_keys")
    name = models.CharField(max_length=80)
    pem = models.TextField()
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of its SubjectPublicKeyInfo, in hex")
    added_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "fingerprint"], name="trustedkey_once"),
            models.UniqueConstraint(fields=["project", "name"], name="trustedkey_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class CveException(models.Model):
    """A vulnerability that a project asks to live with, and what was decided; scope: some repositories, a package."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="exceptions")
    vulnerability = models.CharField(max_length=60)
    repositories = models.CharField(max_length=200, default="**")
    package = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    comment = models.CharField(max_length=500, blank=True)
    expires_at = models.DateTimeField()
    reminded_at = models.DateTimeField(null=True, blank=True, help_text="when people were told that it ends soon")
    end_told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-asked_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["project", "vulnerability", "repositories", "package"],
                condition=Q(status="open"),
                name="cveexception_asked_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.vulnerability} in {self.project}"

    @property
    def live(self) -> bool:
        return self.status == self.Status.APPROVED and self.expires_at > timezone.now()
