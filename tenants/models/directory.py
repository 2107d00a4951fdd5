"""Company directories: where each is reached, how it is read, and when it was last read."""

import uuid
from typing import ClassVar, Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from pks_portal.sealed import SealedField

ENVIRONMENT: Final = uuid.UUID("d12ec704-0000-4000-8000-000000000001")
"""The directory that PKS_DIRECTORY_* describes; its row is always there, so that people and mappings may name it."""


class DirectorySource(models.Model):
    """One directory. Its people are known by (directory, the directory's own id of them), never by their names."""

    class Kind(models.TextChoices):
        OPENLDAP = "openldap", "OpenLDAP"
        ACTIVE_DIRECTORY = "ad", "Active Directory"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.OPENLDAP)
    position = models.PositiveSmallIntegerField(default=0)
    enabled = models.BooleanField(default=True)
    start_tls = models.BooleanField(default=True)
    ca_pem = models.TextField(blank=True)
    bind_dn = models.CharField(max_length=255, blank=True)
    bind_password = SealedField()
    user_base = models.CharField(max_length=255, blank=True)
    user_filter = models.CharField(max_length=500, blank=True)
    group_base = models.CharField(max_length=255, blank=True)
    group_filter = models.CharField(max_length=500, blank=True)
    domain = models.CharField(max_length=40, blank=True)
    suffixes = models.CharField(max_length=255, blank=True)
    page_size = models.PositiveIntegerField(default=200, validators=[MinValueValidator(10), MaxValueValidator(5000)])
    connect_timeout = models.FloatField(default=2.0, validators=[MinValueValidator(0.2), MaxValueValidator(10)])
    answer_timeout = models.FloatField(default=5.0, validators=[MinValueValidator(0.5), MaxValueValidator(60)])
    synced_at = models.DateTimeField(null=True, blank=True, editable=False)
    trouble = models.JSONField(default=dict, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["position", "slug"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(kind__in=["openldap", "ad"]), name="directorysource_kind_known")
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def from_environment(self) -> bool:
        """Say whether the environment describes it, so that it cannot be changed here."""
        return self.pk == ENVIRONMENT

    @property
    def label(self) -> str:
        """The name to show."""
        return str(_("From the environment")) if self.from_environment else self.name


class DirectoryServer(models.Model):
    """One server of a directory; they are tried in order."""

    source = models.ForeignKey(DirectorySource, models.CASCADE, related_name="servers")
    uri = models.CharField(max_length=255)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["source", "uri"], name="directoryserver_once")]

    def __str__(self) -> str:
        return self.uri
