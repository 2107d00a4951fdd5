"""How projects, repositories, tags and digests may be written (OCI distribution spec 1.1, "Pulling manifests").

A repository's full name begins with its project: "payments/web/api" is the repository "web/api" of "payments".
"""

import re
from dataclasses import dataclass
from typing import Final, Self

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

COMPONENT: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
REPOSITORY: Final = re.compile(rf"{COMPONENT}(?:/{COMPONENT})*")
TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
LONGEST: Final = 255
"""Characters of a full name: what clients and the specification's host name rule leave."""

project_name = RegexValidator(
    rf"\A{COMPONENT}\Z",
    _("Use lower-case letters and digits, with single dots, underscores or hyphens between them."),
    code="project_name",
)

robot_name = RegexValidator(
    r"\A[a-z0-9]+(?:[_-][a-z0-9]+)*\Z",
    _("Use lower-case letters and digits, with single underscores or hyphens between them."),
    code="robot_name",
)
"""Without dots, which part it from its project's name."""


@dataclass(frozen=True, slots=True)
class Name:
    """A repository's full name, taken apart."""

    project: str
    repository: str

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Return the parts of a full name; None where it can be no repository of a project."""
        project, _slash, repository = text.partition("/")
        if not repository or len(text) > LONGEST or not REPOSITORY.fullmatch(text):
            return None
        return cls(project, repository)

    def __str__(self) -> str:
        return f"{self.project}/{self.repository}"


def is_digest(text: str) -> bool:
    """Say whether a reference is a digest, of the one kind that is kept here."""
    return DIGEST.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Say whether a reference can be a tag."""
    return TAG.fullmatch(text) is not None
