"""Business lines, who is in them in which role, and where that role comes from."""

import uuid
from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from tenants.models.directory import ENVIRONMENT, DirectorySource
from tenants.models.people import User


class Role(models.TextChoices):
    """What a member may do in one tenant."""

    VIEWER = "viewer", _("Viewer")
    DEVELOPER = "developer", _("Developer")
    OPERATOR = "operator", _("Operator")
    ADMIN = "admin", _("Administrator")


class PlatformRole(models.TextChoices):
    """What a person may do in all tenants."""

    PLATFORM_ADMIN = "platform-admin", _("Platform administrator")
    AUDITOR = "auditor", _("Auditor")


class Source(models.TextChoices):
    """Where a role comes from; directory ones are replaced as a set at each sign-in and sync."""

    DIRECTORY = "directory", _("Directory group")
    MANUAL = "manual", _("Given here")


class Tenant(models.Model):
    """A business line: the owner of clusters and repositories, and the unit of quota. Its slug never changes."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    name_zh = models.CharField(max_length=80, blank=True)
    opaque = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True, blank=True, help_text="since when nothing new may be made in it")

    class Meta:
        ordering: ClassVar = ["slug"]

    def __str__(self) -> str:
        return self.slug

    @property
    def label(self) -> str:
        """The name to show in the active language."""
        return self.name_zh if self.name_zh and (get_language() or "").startswith("zh") else self.name


class Membership(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    source = models.CharField(max_length=10, choices=Source, default=Source.MANUAL)
    via = models.CharField(max_length=255, blank=True, help_text="the directory group that gives it")
    given_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    given_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["tenant", "user"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "tenant", "role", "source"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant} as {self.role}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Note when it was given; of rows older than these notes it is not known."""
        if self._state.adding:
            self.given_at = self.given_at or timezone.now()
        super().save(*args, **kwargs)


class PlatformGrant(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="platform_grants")
    role = models.CharField(max_length=20, choices=PlatformRole)
    source = models.CharField(max_length=10, choices=Source, default=Source.MANUAL)
    via = models.CharField(max_length=255, blank=True)
    given_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    given_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "role", "source"], name="platformgrant_once"),
            models.CheckConstraint(condition=Q(role__in=PlatformRole.values), name="platformgrant_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Note when it was given; of rows older than these notes it is not known."""
        if self._state.adding:
            self.given_at = self.given_at or timezone.now()
        super().save(*args, **kwargs)


class GroupMapping(models.Model):
    """A directory group (its DN, lower case) that gives a role in a tenant, or on the platform when there is none."""

    directory = models.ForeignKey(
        DirectorySource, models.CASCADE, default=ENVIRONMENT, related_name="group_mappings", editable=False
    )
    group_dn = models.CharField(max_length=255)
    tenant = models.ForeignKey(Tenant, models.CASCADE, null=True, blank=True, related_name="group_mappings")
    role = models.CharField(max_length=20)
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["directory", "group_dn", "tenant", "role"], name="groupmapping_once"),
            models.CheckConstraint(
                condition=Q(tenant__isnull=False, role__in=Role.values)
                | Q(tenant__isnull=True, role__in=PlatformRole.values),
                name="groupmapping_role_fits",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.group_dn} → {self.tenant or 'platform'} {self.role}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Note when it was made; of rows older than these notes it is not known."""
        if self._state.adding:
            self.made_at = self.made_at or timezone.now()
        super().save(*args, **kwargs)


dns_label = RegexValidator(
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z",
    _("Use lower-case letters, digits and hyphens; begin and end with a letter or digit."),
    code="dns_label",
)
