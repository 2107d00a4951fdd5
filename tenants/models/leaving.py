"""Who has left, and when, by whom and why."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from pks_portal import messages
from tenants.models.people import User


class Departure(models.Model):
    """One time that an account was deactivated; open (`ended_at` null) while it is. `by` null: the directory's sync."""

    user = models.ForeignKey(User, models.CASCADE, related_name="departures")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=500, blank=True)
    roles = models.JSONField(default=list, help_text='what the person was here: ["payments: operator"]')
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user"], condition=Q(ended_at__isnull=True), name="departure_open_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} left at {self.at}"

    @property
    def said(self) -> str:
        """The reason as it is shown: the sync's own is a text of the catalogue."""
        own = self.by_id is None and self.reason in messages.CATALOGUE
        return messages.render(self.reason, {}) if own else self.reason
