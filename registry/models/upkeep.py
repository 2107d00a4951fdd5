"""What keeps the registry in order: what was removed, when pushes wait, collections, retention."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from registry.models.projects import Project
from tenants.models import Tenant, User


class PullTally(models.Model):
    """How often somebody pulled an artifact in one hour, or was refused it; the audit trail gets it when that is over.

    `by`: a person's or robot's name. `reason`: the refusal's key; empty: it was pulled.
    """

    repository = models.ForeignKey("registry.Repository", models.CASCADE, related_name="tallies")
    digest = models.CharField(max_length=71)
    by = models.CharField(max_length=200)
    reason = models.CharField(max_length=60, blank=True)
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["hour", "repository", "digest", "by", "reason"], name="tally_once"),
        ]

    def __str__(self) -> str:
        return f"{self.by} {self.repository}@{self.digest} {self.count}"


class Removed(models.Model):
    """A manifest that was deleted here, and still lies in the registry until a collection takes it away.

    `repository` is the full name, for the repository's own row may be gone.
    """

    repository = models.CharField(max_length=320)
    digest = models.CharField(max_length=71)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["repository", "digest"], name="removed_once")]

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}"


class StorageWarning(models.Model):
    """A tenant who was told that its storage is nearly full; gone once it is not any more."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, primary_key=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.tenant_id} since {self.at:%F %T}"


class PushHold(models.Model):
    """Until when nobody may push, while bytes are collected; one row at most. Whoever holds it renews it."""

    holder = models.UUIDField()
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"until {self.until:%F %T}"


class Collection(models.Model):
    """One garbage collection. Bytes are measured on disk; null where the storage is no directory of this host.

    `would_free`: what a dry run found that nothing needs.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dry_run = models.BooleanField(default=False)
    task = models.UUIDField(null=True, blank=True)
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    manifests = models.PositiveIntegerField(default=0, help_text="deleted, or with a dry run to be deleted")
    bytes_before = models.BigIntegerField(null=True, blank=True)
    bytes_after = models.BigIntegerField(null=True, blank=True)
    would_free = models.BigIntegerField(null=True, blank=True)
    error = models.CharField(max_length=80, blank=True, help_text="the key of what went wrong")

    class Meta:
        ordering: ClassVar = ["-started_at", "id"]

    def __str__(self) -> str:
        return f"{self.started_at:%F %T}"

    @property
    def freed(self) -> int | None:
        """Bytes that are free now; null where that cannot be measured, or nothing has been done."""
        if self.bytes_before is None or self.bytes_after is None:
            return None
        return self.bytes_before - self.bytes_after


class RetentionRule(models.Model):
    """What of a project stays: patterns of repositories and tags, and which of those that fit.

    Rules add up: what one of them keeps stays. `number` is a count or days, by `keep`.
    """

    class Keep(models.TextChoices):
        LATEST_PUSHED = "latest_pushed_k", _("the most recently pushed artifacts")
        LATEST_PULLED = "latest_pulled_n", _("the most recently pulled artifacts")
        DAYS_PUSHED = "days_since_push", _("pushed within the last days")
        DAYS_PULLED = "days_since_pull", _("pulled within the last days")
        ALWAYS = "always", _("always")

    project = models.ForeignKey(Project, models.CASCADE, related_name="retention_rules")
    repositories = models.CharField(max_length=200, default="**")
    tags = models.CharField(max_length=200, default="**")
    untagged = models.BooleanField(default=True, help_text="also artifacts without a tag")
    keep = models.CharField(max_length=16, choices=Keep)
    number = models.PositiveIntegerField(default=0)
    disabled = models.BooleanField(default=False)
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.repositories}:{self.tags} {self.keep} {self.number}"


class RetentionRun(models.Model):
    """One run of a project's rules, and what it came to: `report` is a list of rows, see upkeep/retention.py."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="retention_runs")
    dry_run = models.BooleanField(default=False)
    task = models.UUIDField(null=True, blank=True)
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    kept = models.PositiveIntegerField(default=0)
    going = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["-started_at", "id"]

    def __str__(self) -> str:
        return f"{self.project} {self.started_at:%F %T}"
