"""What people are told, and the webhooks by which programs are told."""

import hashlib
import uuid
from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone

from pks_portal import messages
from pks_portal.sealed import SealedField
from tenants.models.people import User
from tenants.models.tenancy import Tenant


class Notice(models.Model):
    """One person is told something that concerns them; the text is a key with arguments, in the reader's language."""

    class Mail(models.TextChoices):
        NONE = "none"
        DUE = "due"
        SENT = "sent"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="notices")
    tenant = models.ForeignKey(Tenant, models.CASCADE, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=60)
    args = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    link = models.CharField(max_length=300, blank=True, help_text="a path of the portal")
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)
    mail = models.CharField(max_length=6, choices=Mail, default=Mail.NONE)
    mail_due_at = models.DateTimeField(default=timezone.now)
    mail_attempts = models.PositiveSmallIntegerField(default=0)
    mail_claim = models.UUIDField(null=True, blank=True, help_text="which worker's attempt holds it")

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["user", "created_at"], name="notice_of_person"),
            models.Index(fields=["user"], condition=Q(read_at__isnull=True), name="notice_unread"),
            models.Index(fields=["mail_due_at"], condition=Q(mail="due"), name="notice_mail_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.user}"

    @property
    def text(self) -> str:
        """What it says, in the active language."""
        return messages.render(f"notice.{self.kind}", self.args)


class MailChoice(models.Model):
    """Which kinds of notices a person does not want by mail; no row: all come."""

    user = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="mail_choice")
    off = models.JSONField(default=list, blank=True, help_text="kinds of notices")

    def __str__(self) -> str:
        return f"mail of {self.user}"


class Webhook(models.Model):
    """Where a tenant's, or without one the platform's, events are sent, signed; its secret is shown once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, null=True, blank=True, related_name="webhooks")
    url = models.CharField(max_length=500)
    kinds = models.JSONField(default=list, blank=True, help_text="kinds of notices; none: every kind")
    projects = models.JSONField(default=list, blank=True, help_text="image projects; none: events of everything")
    secret = SealedField()
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    failing_since = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="when the portal itself gave up on it")

    class Meta:
        ordering: ClassVar = ["created_at", "pk"]

    def __str__(self) -> str:
        return f"{self.host} ({self.tenant or 'platform'})"

    @property
    def stamp(self) -> str:
        """What changes with the secret and tells nothing of it."""
        return hashlib.sha256(self.secret.encode()).hexdigest()[:16]

    @property
    def host(self) -> str:
        """The name of its address alone: paths of such addresses are often secrets."""
        return self.url.partition("://")[2].partition("/")[0].partition("?")[0]


class Delivery(models.Model):
    """One event on its way to one webhook, and how the last attempt went; its id stays the same."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        DELIVERED = "delivered"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    event = models.UUIDField(help_text="the same for every webhook that is told of it")
    kind = models.CharField(max_length=60)
    body = models.TextField(help_text="the JSON that is sent, byte for byte")
    status = models.CharField(max_length=9, choices=Status, default=Status.WAITING)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    claim = models.UUIDField(null=True, blank=True, help_text="which worker's attempt holds it")
    attempts = models.PositiveSmallIntegerField(default=0)
    attempted_at = models.DateTimeField(null=True, blank=True)
    code = models.PositiveSmallIntegerField(null=True, blank=True, help_text="HTTP status of the last answer")
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    answer = models.CharField(max_length=500, blank=True, help_text="the beginning of the last answer")
    error = models.JSONField(null=True, blank=True, help_text="why the last attempt failed: key and args")

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(status="waiting"), name="delivery_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.webhook.host}"

    @property
    def failure(self) -> str | None:
        """Why the last attempt failed, in the active language."""
        return messages.render(self.error["key"], self.error["args"]) if self.error else None
