"""The people who use the portal."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import get_language


class User(AbstractUser):
    """A person. `directory_id` is the directory's own unchanging id (entryUUID, objectGUID), never a name or DN."""

    directory_id = models.CharField(max_length=64, unique=True, null=True, blank=True, editable=False)
    display_name = models.CharField(max_length=120, blank=True)
    display_name_zh = models.CharField(max_length=120, blank=True)
    roles_synced_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.username

    @property
    def label(self) -> str:
        """The name to show in the active language."""
        chinese = (get_language() or "").startswith("zh")
        first, second = self.display_name_zh, self.display_name
        return (first if chinese else second) or first or second or self.username

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
        super().set_password(raw_password)
