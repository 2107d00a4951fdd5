"""What lies in the registry: repositories, artifacts with their tags, children and blobs; and pushes under way."""

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from registry.models.projects import Project
from registry.severity import Severity


class Repository(models.Model):
    """A named place for artifacts; `name` is without the project's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="repositories")
    name = models.CharField(max_length=255)
    about = models.TextField(blank=True, help_text="Markdown, shown as the repository's README")
    pulls = models.PositiveBigIntegerField(default=0)
    artifacts_listed = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["project__name", "name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["project", "name"], name="repository_once")]
        indexes: ClassVar = [models.Index(fields=["-changed_at"], name="repository_changed")]

    def __str__(self) -> str:
        return f"{self.project.name}/{self.name}"


class Blob(models.Model):
    """Some content by its digest; a manifest is one too."""

    digest = models.CharField(max_length=71, primary_key=True)
    size = models.BigIntegerField()

    def __str__(self) -> str:
        return self.digest


class Artifact(models.Model):
    """One manifest in one repository, and what it describes.

    `subject` is the digest of the artifact that it is about (a signature, an SBOM), which may come later or never.
    `listed`: shown as an artifact of its own, not only under its index or subject. The figures of its last scan and
    the state of its signature are kept here too, so that a list is one query.
    """

    class Kind(models.TextChoices):
        IMAGE = "image", _("Image")
        INDEX = "index", _("Image index")
        SIGNATURE = "signature", _("Signature")
        ATTESTATION = "attestation", _("Attestation")
        SBOM = "sbom", _("SBOM")
        CHART = "chart", _("Chart")
        OTHER = "other", _("Other")

    class ScanState(models.TextChoices):
        NONE = "none", _("Not scanned")
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Scanning")
        SUCCESS = "success", _("Scanned")
        ERROR = "error", _("Error")
        STOPPED = "stopped", _("Scan stopped")
        UNSUPPORTED = "unsupported", _("Unsupported")

    class Signed(models.TextChoices):
        NO = "no", _("Not signed")
        YES = "yes", _("Signed")
        INHERITED = "inherited", _("Signed by its index")
        UNTRUSTED = "untrusted", _("Signed by an unknown key")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    repository = models.ForeignKey(Repository, models.CASCADE, related_name="artifacts")
    digest = models.CharField(max_length=71)
    kind = models.CharField(max_length=12, choices=Kind)
    media_type = models.CharField(max_length=150)
    artifact_type = models.CharField(max_length=255, blank=True)
    manifest_size = models.PositiveIntegerField()
    size = models.BigIntegerField(help_text="bytes, of the manifest and all that it names")
    os = models.CharField(max_length=40, blank=True)
    architecture = models.CharField(max_length=40, blank=True)
    variant = models.CharField(max_length=40, blank=True)
    made_at = models.DateTimeField(null=True, blank=True, help_text="when the image says that it was built")
    author = models.CharField(max_length=200, blank=True)
    annotations = models.JSONField(default=dict)
    config = models.JSONField(default=dict, help_text="the image's own: environment, command, history, …")
    layers = models.JSONField(default=list, help_text="{digest, size, media_type} in order")
    subject = models.CharField(max_length=71, blank=True, db_index=True)
    listed = models.BooleanField(default=True)
    pushed_at = models.DateTimeField(default=timezone.now)
    pushed_by = models.CharField(max_length=150, blank=True)
    pulled_at = models.DateTimeField(null=True, blank=True)
    pulls = models.PositiveBigIntegerField(default=0)
    scan_state = models.CharField(max_length=12, choices=ScanState, default=ScanState.NONE)
    scanned_at = models.DateTimeField(null=True, blank=True)
    worst = models.PositiveSmallIntegerField(choices=Severity, null=True, blank=True, help_text="null: no finding")
    critical = models.PositiveIntegerField(default=0)
    high = models.PositiveIntegerField(default=0)
    medium = models.PositiveIntegerField(default=0)
    low = models.PositiveIntegerField(default=0)
    negligible = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    fixable = models.PositiveIntegerField(default=0)
    not_assessed = models.BooleanField(default=False, help_text="of some of its packages the scanner knows nothing")
    signed = models.CharField(max_length=10, choices=Signed, default=Signed.NO)
    signer = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering: ClassVar = ["-pushed_at", "id"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["repository", "digest"], name="artifact_once")]
        indexes: ClassVar = [
            models.Index(fields=["repository", "listed", "-pushed_at", "id"], name="artifact_newest"),
            models.Index(
                fields=["repository", "listed", "-critical", "-high", "-medium", "-low", "id"], name="artifact_worst"
            ),
            models.Index(fields=["digest"], name="artifact_digest"),
            models.Index(fields=["repository", "subject"], name="artifact_about"),
        ]

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}"

    @property
    def short(self) -> str:
        """The digest as people read it: its first twelve figures."""
        return self.digest.removeprefix("sha256:")[:12]

    @property
    def platform(self) -> str:
        """Operating system and architecture, as "linux/arm64/v8"; empty where it has none."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)

    @property
    def findings_total(self) -> int:
        return self.critical + self.high + self.medium + self.low + self.negligible + self.unknown


class ArtifactChild(models.Model):
    """What an index names: the digest of an artifact, for a platform. The artifact itself may be absent."""

    parent = models.ForeignKey(Artifact, models.CASCADE, related_name="children")
    digest = models.CharField(max_length=71, db_index=True)
    position = models.PositiveSmallIntegerField()
    size = models.BigIntegerField()
    platform = models.JSONField(default=dict)
    annotations = models.JSONField(default=dict)
    attests = models.CharField(max_length=71, blank=True, help_text="BuildKit: the sibling that it is about")

    class Meta:
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["parent", "position"], name="artifactchild_once")]

    def __str__(self) -> str:
        return self.digest


class ArtifactBlob(models.Model):
    """Which content an artifact consists of: layers, configuration, and its own manifest."""

    artifact = models.ForeignKey(Artifact, models.CASCADE, related_name="parts")
    blob = models.ForeignKey(Blob, models.CASCADE, related_name="parts")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["artifact", "blob"], name="artifactblob_once")]

    def __str__(self) -> str:
        return self.blob_id


class Tag(models.Model):
    """A name for an artifact in its repository."""

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="tags")
    name = models.CharField(max_length=128)
    artifact = models.ForeignKey(Artifact, models.CASCADE, related_name="tags")
    pushed_at = models.DateTimeField(default=timezone.now)
    pushed_by = models.CharField(max_length=150, blank=True)
    pulled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["repository", "name"], name="tag_once")]

    def __str__(self) -> str:
        return f"{self.repository}:{self.name}"


class TagChange(models.Model):
    """What a tag has pointed to: set, moved or taken away (then without a digest)."""

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="tag_changes")
    name = models.CharField(max_length=128)
    digest = models.CharField(max_length=71, blank=True)
    before = models.CharField(max_length=71, blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["repository", "name", "-at"], name="tagchange_newest")]

    def __str__(self) -> str:
        return f"{self.name}: {self.digest or '-'}"


class Push(models.Model):
    """A manifest on its way into the registry: what it adds is counted before it is there.

    It is written before the registry is asked and goes in the transaction that records the artifact. One that stays
    was left by a process that died; the reconciler asks the registry which way it went.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="pushes")
    repository = models.CharField(max_length=255)
    reference = models.CharField(max_length=128)
    digest = models.CharField(max_length=71)
    media_type = models.CharField(max_length=150)
    manifest = models.BinaryField()
    adds = models.BigIntegerField(help_text="bytes that the project does not have yet")
    by = models.CharField(max_length=150, blank=True)
    started_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.repository}:{self.reference}"
