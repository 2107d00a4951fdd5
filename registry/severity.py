"""Severities in Harbor's words, in order: what cannot be told is unknown, which is never taken for harmless."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Severity(models.IntegerChoices):
    """How bad a vulnerability is; the numbers are Harbor's own order, so that rows can be sorted by them."""

    UNKNOWN = 0, _("Unknown")
    NEGLIGIBLE = 1, _("Negligible")
    LOW = 2, _("Low")
    MEDIUM = 3, _("Medium")
    HIGH = 4, _("High")
    CRITICAL = 5, _("Critical")

    @property
    def word(self) -> str:
        """The word for programs: "critical"."""
        return self.name.lower()

    @classmethod
    def read(cls, word: str) -> "Severity":
        """Return the severity of a scanner's word, whatever its case; an unknown word is unknown."""
        return cls.__members__.get(word.upper(), cls.UNKNOWN)
