"""What scanners said: scans with the state of their database, findings, SBOMs; and the advisories of our own feed."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from pks_portal import messages
from registry.models.artifacts import Artifact
from registry.severity import Severity


class Scan(models.Model):
    """One look of one scanner at one artifact, and with which database it looked.

    `task` is the id of the task that carries it out, which may have been forgotten since. `current`: the newest that
    succeeded, whose findings count.
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Scanning")
        SUCCESS = "success", _("Scanned")
        ERROR = "error", _("Error")
        STOPPED = "stopped", _("Scan stopped")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    artifact = models.ForeignKey(Artifact, models.CASCADE, related_name="scans")
    scanner = models.CharField(max_length=40)
    scanner_version = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    current = models.BooleanField(default=False)
    task = models.UUIDField(null=True, blank=True)
    asked_by = models.CharField(max_length=150, blank=True)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    database = models.CharField(max_length=80, blank=True)
    database_state = models.CharField(max_length=10, blank=True)
    database_updated_at = models.DateTimeField(null=True, blank=True)
    database_records = models.PositiveIntegerField(null=True, blank=True)
    database_sources = models.JSONField(default=list)
    packages = models.PositiveIntegerField(default=0)
    not_assessed = models.JSONField(default=list)
    error_key = models.CharField(max_length=80, blank=True)
    error_args = models.JSONField(default=dict)
    log = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar = ["-queued_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["artifact", "scanner"], condition=models.Q(current=True), name="scan_one_current"
            )
        ]

    def __str__(self) -> str:
        return f"{self.scanner} of {self.artifact_id}"

    @property
    def error(self) -> str:
        """Why it came to nothing, in the active language."""
        return messages.render(self.error_key, self.error_args) if self.error_key else ""

    @property
    def error_next(self) -> str:
        """What one can do about it, in the active language; empty where nothing is known."""
        key = f"{self.error_key}.next"
        return messages.render(key, self.error_args) if key in messages.CATALOGUE else ""

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


class Vulnerability(models.Model):
    """What is told of a vulnerability once, however many artifacts have it; `seen_at`: when we first knew of it."""

    id = models.CharField(max_length=60, primary_key=True)
    title = models.CharField(max_length=500, blank=True)
    description = models.TextField(blank=True)
    links = models.JSONField(default=list)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "vulnerabilities"

    def __str__(self) -> str:
        return self.id


class Finding(models.Model):
    """A vulnerable package that a scan found in an artifact."""

    scan = models.ForeignKey(Scan, models.CASCADE, related_name="findings")
    vulnerability = models.ForeignKey(Vulnerability, models.PROTECT, related_name="findings")
    package = models.CharField(max_length=200)
    version = models.CharField(max_length=120)
    fixed_in = models.CharField(max_length=200, blank=True)
    severity = models.PositiveSmallIntegerField(choices=Severity)
    score = models.FloatField(null=True, blank=True, help_text="CVSS 3 or 4 base score, 0 to 10")
    vector = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=30, blank=True)
    source = models.CharField(max_length=80, blank=True)
    ecosystem = models.CharField(max_length=40, blank=True)
    cwe_ids = models.JSONField(default=list)

    class Meta:
        ordering: ClassVar = ["-severity", "-score", "vulnerability", "package"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scan", "vulnerability", "package", "version"], name="finding_once")
        ]
        indexes: ClassVar = [models.Index(fields=["scan", "-severity", "-score"], name="finding_worst")]

    def __str__(self) -> str:
        return f"{self.vulnerability_id} in {self.package} {self.version}"


class Sbom(models.Model):
    """What an artifact consists of, as a scanner read it; judged anew when advisories change, without pulling."""

    artifact = models.OneToOneField(Artifact, models.CASCADE, related_name="sbom")
    scanner = models.CharField(max_length=40)
    scanner_version = models.CharField(max_length=40, blank=True)
    made_at = models.DateTimeField(default=timezone.now)
    packages = models.JSONField(default=list, help_text="{name, version, ecosystem, purl, licenses}")
    cyclonedx = models.TextField(blank=True)
    spdx = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"SBOM of {self.artifact_id}"


class AttachedSbom(models.Model):
    """An SBOM that people pushed for an image, in a layer of a signature-like artifact: what it is, not its text.

    `digest` is the layer's. An artifact that was looked at and holds none has one row without a form.
    """

    class Form(models.TextChoices):
        NONE = "", _("None")
        SPDX = "spdx", "SPDX"
        CYCLONEDX = "cyclonedx", "CycloneDX"

    artifact = models.ForeignKey(Artifact, models.CASCADE, related_name="sboms")
    digest = models.CharField(max_length=71)
    media_type = models.CharField(max_length=150, blank=True)
    size = models.BigIntegerField(default=0)
    form = models.CharField(max_length=10, choices=Form, blank=True)
    packages = models.PositiveIntegerField(null=True, blank=True, help_text="null: it could not be read")

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["artifact", "digest"], name="attachedsbom_once")]

    def __str__(self) -> str:
        return f"{self.form} {self.digest}"


class AdvisoryFeed(models.Model):
    """A set of OSV records that an administrator took in: whose they are, how many, and how old."""

    slug = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    licence = models.CharField(max_length=120, blank=True)
    ecosystems = models.JSONField(default=list)
    records = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(help_text="of the newest record")
    taken_at = models.DateTimeField(default=timezone.now)
    taken_by = models.CharField(max_length=150, blank=True)
    digest = models.CharField(max_length=71, blank=True)

    class Meta:
        ordering: ClassVar = ["slug"]

    def __str__(self) -> str:
        return self.slug


class Advisory(models.Model):
    """One OSV record for one package; a record that names several packages stands here several times."""

    feed = models.ForeignKey(AdvisoryFeed, models.CASCADE, related_name="advisories")
    ecosystem = models.CharField(max_length=60)
    package = models.CharField(max_length=200)
    record = models.CharField(max_length=60)
    document = models.JSONField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["ecosystem", "package"], name="advisory_package")]

    def __str__(self) -> str:
        return f"{self.record} {self.package}"
