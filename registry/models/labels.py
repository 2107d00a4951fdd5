"""Labels that people put on artifacts: a project's own, or the platform's, which every project may use."""

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from registry.models.artifacts import Artifact
from registry.models.projects import Project
from tenants.models import User


class Label(models.Model):
    """A word with a colour; without `project` it is the platform's."""

    class Colour(models.TextChoices):
        GREY = "grey", _("Grey")
        BLUE = "blue", _("Blue")
        TEAL = "teal", _("Teal")
        GREEN = "green", _("Green")
        AMBER = "amber", _("Amber")
        RED = "red", _("Red")
        PURPLE = "purple", _("Purple")
        PINK = "pink", _("Pink")

    project = models.ForeignKey(Project, models.CASCADE, null=True, blank=True, related_name="labels")
    name = models.CharField(max_length=40)
    about = models.CharField(max_length=200, blank=True)
    colour = models.CharField(max_length=10, choices=Colour, default=Colour.GREY)
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["project", "name"], name="label_once"),
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(project=None), name="label_of_the_platform_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ArtifactLabel(models.Model):
    """A label on an artifact: it stays with the digest, whatever its tags do."""

    artifact = models.ForeignKey(Artifact, models.CASCADE, related_name="labelled")
    label = models.ForeignKey(Label, models.CASCADE, related_name="put")
    put_by = models.CharField(max_length=150, blank=True)
    put_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["label__name", "pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["artifact", "label"], name="artifactlabel_once")]

    def __str__(self) -> str:
        return f"{self.label} on {self.artifact_id}"
