"""By what a list of tasks may be narrowed."""

from django_filters import rest_framework as filters

from pks_portal.operations.models import Operation
from pks_portal.pages import AnyOf


class TaskFilters(filters.FilterSet):  # type: ignore[misc]
    status = AnyOf(choices=Operation.Status.choices)
    tenant = filters.CharFilter("tenant__slug", help_text="A tenant's slug.")
    subject = filters.UUIDFilter("subject_id", help_text="The id of what is changed, a cluster's.")
    kind = filters.CharFilter(help_text="Such as cluster.create.")
