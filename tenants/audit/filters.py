"""By what the trail may be narrowed, on the page, in the API and in exports alike."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_filters import rest_framework as filters
from django_filters.fields import IsoDateTimeField

from pks_portal.pages import AnyOf
from tenants.audit.reading import Entries

DOORS: Final = [
    ("page", _("web page")),
    ("api", "API"),
    ("cli", "pks"),
    ("worker", _("the portal")),
    ("console", _("console")),
]
DAY: Final = len("2026-11-23")
FIRST_YEAR, LAST_YEAR = 1970, 9000


class MomentField(IsoDateTimeField):  # type: ignore[misc]
    """A moment that every database can compare: in UTC, of a year that people mean."""

    def clean(self, value: Any) -> datetime | None:
        """Return the moment. Raises ValidationError."""
        moment: datetime | None = super().clean(value)
        if moment and not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise ValidationError(_("Enter a valid date/time."), code="invalid")
        return moment and moment.astimezone(UTC)


class Moment(filters.IsoDateTimeFilter):  # type: ignore[misc]
    field_class = MomentField


class AuditFilters(filters.FilterSet):  # type: ignore[misc]
    actor = filters.CharFilter("actor_name", "iexact", help_text="A user name; portal is the portal itself.")
    action = filters.CharFilter(method="of_action", help_text="Such as cluster.create, or a beginning such as cluster.")
    tenant = filters.CharFilter("tenant__slug", help_text="A tenant's slug.")
    subject = filters.CharFilter(method="done_to", help_text="The id of what it was done to, or type:id.")
    door = AnyOf("via", choices=DOORS)
    since = Moment("at", "gte", help_text="From this moment or day on.")
    until = Moment(method="before", help_text="Before this moment, or up to the end of this day.")
    q = filters.CharFilter(method="named", help_text="A part of the name of who did it or what it was done to.")

    def of_action(self, rows: Entries, name: str, action: str) -> Entries:
        """Keep one action, or all of one kind: "cluster." means every deed on clusters."""
        return rows.filter(**{"action__startswith" if action.endswith(".") else "action": action})

    def done_to(self, rows: Entries, name: str, subject: str) -> Entries:
        """Keep what was done to one thing; some ids are numbers, which only together with the type say what it is."""
        kind, _colon, pk = subject.rpartition(":")
        return rows.filter(subject_id=pk, subject_type=kind) if kind else rows.filter(subject_id=pk)

    def before(self, rows: Entries, name: str, moment: Any) -> Entries:
        """Keep what was before a moment; a day given without a time belongs to it."""
        whole_day = len(self.data.get(name, "").strip()) == DAY
        return rows.filter(at__lt=moment + timedelta(days=1) if whole_day else moment)

    def named(self, rows: Entries, name: str, part: str) -> Entries:
        """Keep what has the text in the subject's or the actor's name."""
        return rows.filter(Q(subject_name__icontains=part) | Q(actor_name__icontains=part))
