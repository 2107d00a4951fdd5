"""A person's notices: the newest, how many are unread, marking them read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants.models import Notice, User
from tenants.notices.telling import notify


@dataclass(frozen=True, slots=True)
class Day:
    """Notices of today, of yesterday, or of before."""

    label: str
    notices: list[Notice]


def of(user: User) -> "QuerySet[Notice]":
    """Return a person's notices, the newest first."""
    return Notice.objects.filter(user=user).select_related("tenant")


def unread(user: User) -> int:
    """Return how many a person has not read."""
    return Notice.objects.filter(user=user, read_at=None).count()


def days(notices: Iterable[Notice]) -> list[Day]:
    """Return notices in groups by the day, in the portal's time zone; only groups that have some."""
    today = timezone.localdate()
    found: dict[str, list[Notice]] = {_("Today"): [], _("Yesterday"): [], _("Older"): []}
    for notice in notices:
        age = (today - timezone.localtime(notice.created_at).date()).days
        found[_("Today") if age <= 0 else _("Yesterday") if age == 1 else _("Older")].append(notice)
    return [Day(label, rows) for label, rows in found.items() if rows]


def read(notice: Notice) -> None:
    """Mark one as read."""
    if Notice.objects.filter(pk=notice.pk, read_at=None).update(read_at=timezone.now()):
        notify(notice.user_id, notice.pk)


def read_all(user: User) -> int:
    """Mark all of a person's as read; return how many were not."""
    changed = Notice.objects.filter(user=user, read_at=None).update(read_at=timezone.now())
    if changed:
        notify(user.pk, "all")
    return changed


def purge(days: int) -> int:
    """Forget notices of more than that many days ago; return how many."""
    return Notice.objects.filter(created_at__lt=timezone.now() - timedelta(days=days)).delete()[0]
