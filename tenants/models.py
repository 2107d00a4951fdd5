"""Who uses the portal, in which business line, in which role, up to which limits, and the record of it."""

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person. `directory_id` is the directory's own unchanging id (entryUUID, objectGUID), never a name or DN."""

    directory_id = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    display_name = models.CharField(max_length=120, blank=True)
    display_name_zh = models.CharField(max_length=120, blank=True)
    roles_synced_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.username

    @property
    def label(self) -> str:
        """The name to show in the active language."""
        chinese = (get_language() or "").startswith("zh")
        first, second = self.display_name_zh, self.display_name
        return (first if chinese else second) or first or second or self.username

    def has_usable_password(self) -> bool:
        """Say yes for directory people, so that step-up asks for the password, which the directory then checks."""
        return True if self.directory_id else super().has_usable_password()

    def check_password(self, raw_password: str | None) -> bool:
        """Refuse any local password of directory people: only the directory knows theirs."""
        return False if self.directory_id or raw_password is None else super().check_password(raw_password)

    def set_password(self, raw_password: str | None) -> None:
        """Refuse to keep a password for directory people."""
        if self.directory_id and raw_password is not None:
            raise ValueError("The password of a directory person lives in the directory.")
        super().set_password(raw_password)


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

    class Meta:
        ordering: ClassVar = ["tenant", "user"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "tenant", "role", "source"], name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant} as {self.role}"


class PlatformGrant(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="platform_grants")
    role = models.CharField(max_length=20, choices=PlatformRole)
    source = models.CharField(max_length=10, choices=Source, default=Source.MANUAL)
    via = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "role", "source"], name="platformgrant_once"),
            models.CheckConstraint(condition=Q(role__in=PlatformRole.values), name="platformgrant_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} as {self.role}"


class GroupMapping(models.Model):
    """A directory group (its DN, lower case) that gives a role in a tenant, or on the platform when there is none."""

    group_dn = models.CharField(max_length=255)
    tenant = models.ForeignKey(Tenant, models.CASCADE, null=True, blank=True, related_name="group_mappings")
    role = models.CharField(max_length=20)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["group_dn", "tenant", "role"], name="groupmapping_once"),
            models.CheckConstraint(
                condition=Q(tenant__isnull=False, role__in=Role.values)
                | Q(tenant__isnull=True, role__in=PlatformRole.values),
                name="groupmapping_role_fits",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.group_dn} → {self.tenant or 'platform'} {self.role}"


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
    client = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.kind} token of {self.user}"


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


dns_label = RegexValidator(
    r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z",
    _("Use lower-case letters, digits and hyphens; begin and end with a letter or digit."),
    code="dns_label",
)
