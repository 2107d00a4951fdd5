"""The people who use the portal."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language


class User(AbstractUser):
    """A person. `directory_id` is the directory's own unchanging id (entryUUID, objectGUID), never a name or DN.

    It is unique in its directory only, so that together with `directory_source` it says who somebody is. A program of a
    tenant is a row too, of kind "service": its name ("payments/ci") is one that no person can have.
    """

    class Kind(models.TextChoices):
        PERSON = "person"
        SERVICE = "service"

    scope: frozenset[str] | None = None
    """What the token that the request came with is narrowed to, see tenants/scopes.py; not stored."""

    kind = models.CharField(max_length=8, choices=Kind, default=Kind.PERSON, editable=False)
    directory_id = models.CharField(max_length=64, null=True, blank=True, editable=False)  # noqa: DJ001  # unique, so no ""
    directory_source = models.ForeignKey(
        "tenants.DirectorySource", models.PROTECT, null=True, blank=True, editable=False, related_name="people"
    )
    display_name = models.CharField(max_length=120, blank=True)
    display_name_zh = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=10, blank=True, help_text="in which they are written to")
    roles_synced_at = models.DateTimeField(null=True, blank=True)
    session_epoch = models.PositiveIntegerField(default=0, help_text="raised to end every session at once")

    class Meta(AbstractUser.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["directory_source", "directory_id"], name="user_identity_once"),
            models.CheckConstraint(
                condition=Q(kind="person") & ~Q(username__contains="/") | Q(kind="service", username__contains="/"),
                name="user_name_fits_kind",
            ),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def label(self) -> str:
        """The name to show in the active language."""
        chinese = (get_language() or "").startswith("zh")
        first, second = self.display_name_zh, self.display_name
        return (first if chinese else second) or first or second or self.username

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Tie each session to the epoch too, so that one write ends them all, listed or not."""
        held: str = super()._get_session_auth_hash(secret)  # type: ignore[misc]
        return f"{held}.{self.session_epoch}" if self.session_epoch else held

    def has_usable_password(self) -> bool:
        """Say yes for directory people, so that step-up asks for the password, which the directory then checks."""
        return True if self.directory_id else super().has_usable_password()

    def check_password(self, raw_password: str | None) -> bool:
        """Refuse any local password of directory people: only the directory knows theirs."""
        return False if self.directory_id or raw_password is None else super().check_password(raw_password)

    def set_password(self, raw_password: str | None) -> None:
        """Refuse to keep a password for directory people."""
        if self.directory_id and raw_password is not None:
            raise ValueError("The password of a directory person lives in the directory.")
        if self.kind == self.Kind.SERVICE and raw_password is not None:
            raise ValueError("A service account has tokens only.")
        super().set_password(raw_password)
