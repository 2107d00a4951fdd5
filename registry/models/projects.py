"""Projects, who may do more in one than in its tenant, its robots, and the tags that may not move."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from registry.names import project_name, robot_name
from registry.rights import ProjectQuerySet
from registry.severity import Severity
from tenants.models import Role, Tenant, User


class Project(models.Model):
    """A name space of repositories that belongs to one tenant; `used` is what its blobs and manifests take, in bytes.

    Its policy: `signed_only`, and `block_severity` from which on a vulnerability keeps an image from being pulled
    (null: none does), once it has been known for `grace_hours`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="projects")
    name = models.CharField(max_length=63, unique=True, validators=[project_name])
    about = models.CharField(max_length=200, blank=True)
    public = models.BooleanField(default=False)
    scan_on_push = models.BooleanField(default=True)
    signed_only = models.BooleanField(default=False)
    block_severity = models.PositiveSmallIntegerField(choices=Severity, null=True, blank=True)
    grace_hours = models.PositiveSmallIntegerField(default=0)
    used = models.BigIntegerField(default=0)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class ProjectMember(models.Model):
    """A person who has a role in one project on top of what their tenants give."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="members")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    role = models.CharField(max_length=10, choices=Role)
    given_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    given_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["user__username"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "user"], name="projectmember_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.project} as {self.role}"


class Robot(models.Model):
    """A name and secret for machines, `robot-<project>.<name>`; only a hash of the secret is kept."""

    class Right(models.TextChoices):
        PULL = "pull", _("Pull")
        PUSH = "push", _("Push")
        DELETE = "delete", _("Delete")
        SIGN = "sign", _("Sign")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="robots")
    name = models.CharField(max_length=40, validators=[robot_name])
    about = models.CharField(max_length=200, blank=True)
    rights = models.JSONField(default=list)
    secret_hash = models.CharField(max_length=64)
    disabled = models.BooleanField(default=False)
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    rotated_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(db_index=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    warned_at = models.DateTimeField(null=True, blank=True, help_text="when people were told that its secret ends soon")

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "name"], name="robot_name_once")]

    def __str__(self) -> str:
        return self.login

    @property
    def login(self) -> str:
        """The name with which it signs in."""
        return f"robot-{self.project.name}.{self.name}"

    @property
    def stamp(self) -> str:
        """Which secret it has: a form that was made for another is too old."""
        return self.rotated_at.isoformat() if self.rotated_at else ""

    @property
    def live(self) -> bool:
        return not self.disabled and self.expires_at > timezone.now()


class ImmutableRule(models.Model):
    """Tags that stay what they are once pushed: patterns ("**", "release-*") of repositories and of tags."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="immutable_rules")
    repositories = models.CharField(max_length=200, default="**")
    tags = models.CharField(max_length=200)
    disabled = models.BooleanField(default=False)
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "repositories", "tags"], name="immutablerule_once")
        ]

    def __str__(self) -> str:
        return f"{self.repositories}:{self.tags}"
