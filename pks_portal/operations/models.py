"""Long-running work (people say *task*), its steps, and the numbered events that tell its story."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _in_words
from django.utils.translation import gettext_lazy as _

from pks_portal import messages
from pks_portal.operations.policy import TaskQuerySet
from tenants.models import Tenant, User


class Operation(models.Model):
    """One piece of work on one subject, from the request to its end; it stays when the subject is gone.

    `wanted` is the validated wish. `fence` rises with each claim: what a worker writes counts only while its number
    is the row's. `lease_until` is when a silent worker is taken for dead. `due_at` is when the next attempt may start.
    `obstacle`: what an engine said last that stands in the way, and since when; `blocked_since` is set once that
    lasts, and a person may force it: `forced` has the names of all that was forced, `forced_by` who did so last.
    """

    class Status(models.TextChoices):
        HELD = "held", _("Waiting for approval")
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        WAITING = "waiting", _("Waiting")
        CANCELLING = "cancelling", _("Cancelling")
        SUCCEEDED = "succeeded", _("Succeeded")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    ACTIVE: ClassVar = [Status.RUNNING, Status.WAITING, Status.CANCELLING]
    UNFINISHED: ClassVar = [Status.QUEUED, *ACTIVE]
    ENDED: ClassVar = [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED]

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.PROTECT, null=True, blank=True, related_name="operations")
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="operations")
    actor_name = models.CharField(max_length=150)
    kind = models.CharField(max_length=40)
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField(db_index=True)
    subject_name = models.CharField(max_length=200)
    engine = models.CharField(max_length=20, blank=True)
    plan = models.CharField(max_length=40, blank=True)
    queue = models.CharField(max_length=40, default="celery")
    wanted = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    progress = models.PositiveSmallIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0, help_text="in a row; a step that goes on resets it")
    due_at = models.DateTimeField(default=timezone.now)
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    last_seq = models.PositiveIntegerField(default=0)
    cancel_asked = models.BooleanField(default=False)
    cancellable = models.BooleanField(default=True)
    blocked_since = models.DateTimeField(null=True, blank=True)
    obstacle = models.JSONField(default=dict)
    forced = models.JSONField(default=list)
    forced_by = models.CharField(max_length=150, blank=True)
    waiting_key = models.CharField(max_length=80, blank=True)
    waiting_args = models.JSONField(default=dict)
    waits_for = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="waiters",
        help_text="the platform's task for which it waits, or waited last",
    )  # fmt: skip
    error_key = models.CharField(max_length=80, blank=True)
    error_args = models.JSONField(default=dict)
    error_system = models.CharField(max_length=80, blank=True)
    error_cause = models.TextField(blank=True)
    request_key = models.CharField(max_length=80, blank=True, help_text="the idempotency key of the request")
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at", "id"]
        indexes: ClassVar = [models.Index(fields=["status", "due_at"], name="operation_due")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject_id"],
                condition=Q(status__in=["running", "waiting", "cancelling"]),
                name="operation_one_active",
            ),
            models.UniqueConstraint(fields=["subject_id"], condition=Q(status="queued"), name="operation_one_queued"),
            models.UniqueConstraint(
                fields=["actor", "request_key"], condition=~Q(request_key=""), name="operation_request_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_name}"

    @property
    def ended(self) -> bool:
        return self.status in self.ENDED

    @property
    def blocked(self) -> bool:
        """Whether something stands in the way that a person may force."""
        return self.blocked_since is not None and not self.cancel_asked and not self.ended

    @property
    def status_label(self) -> str:
        """The status in words; that a person is needed comes first."""
        return _in_words("Blocked") if self.blocked else self.get_status_display()

    @property
    def newer(self) -> "Operation | None":
        """The newest task on the same subject, if that is not this one: it alone can be started anew."""
        later = Operation.objects.filter(subject_id=self.subject_id, created_at__gt=self.created_at)
        return later.order_by("-created_at").first()

    @property
    def title(self) -> str:
        """What is being done to what, in the active language."""
        return messages.render(f"task.{self.kind}", {"name": self.subject_name, **self.wanted})

    @property
    def error(self) -> str:
        """Why it failed, in the active language; empty when it did not."""
        return messages.render(self.error_key, self.error_args) if self.error_key else ""

    @property
    def error_next(self) -> str:
        """What to do about the failure, in the active language."""
        key = f"{self.error_key}.next"
        return messages.render(key, self.error_args) if key in messages.CATALOGUE else ""

    @property
    def waiting_for(self) -> str:
        """What it waits for, in the active language."""
        return messages.render(self.waiting_key, self.waiting_args) if self.waiting_key else ""


class OperationStep(models.Model):
    """A planned step; `weight` is its relative duration, `share` how much of it is done (0 to 1)."""

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Skipped")

    operation = models.ForeignKey(Operation, models.CASCADE, related_name="steps")
    index = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=40)
    weight = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    share = models.FloatField(default=0)
    attempt = models.PositiveIntegerField(default=0)
    attempts_allowed = models.PositiveIntegerField(default=0)
    next_retry_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["index"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["operation", "index"], name="operationstep_once")]

    def __str__(self) -> str:
        return f"{self.operation_id} {self.name}"

    @property
    def label(self) -> str:
        """The step's text in the active language."""
        return messages.render(f"step.{self.name}", {})

    @property
    def seconds(self) -> float | None:
        """How long it took, or has taken so far; None before it starts."""
        if self.started_at is None:
            return None
        return ((self.ended_at or timezone.now()) - self.started_at).total_seconds()


class OperationEvent(models.Model):
    """Something that happened; `seq` has no gaps within its operation and is given out under the operation's lock."""

    class Level(models.TextChoices):
        INFO = "info"
        WARNING = "warning"
        ERROR = "error"

    operation = models.ForeignKey(Operation, models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    step = models.CharField(max_length=40, blank=True)
    level = models.CharField(max_length=10, choices=Level, default=Level.INFO)
    key = models.CharField(max_length=80)
    args = models.JSONField(default=dict)
    data = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["seq"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["operation", "seq"], name="operationevent_seq_once")]

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The event in the active language."""
        return messages.render(self.key, self.args)
