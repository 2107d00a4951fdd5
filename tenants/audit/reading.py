"""Read the audit trail, each person what they may."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Model, Q, QuerySet

from tenants.access import on_platform, tenants_where
from tenants.models import AuditEntry, Tenant, User

Entries = QuerySet[AuditEntry]


def visible(user: User) -> Entries:
    """Return what the person may see: one's own deeds, those in tenants where one may, of the platform if there."""
    rows = AuditEntry.objects.select_related("actor", "tenant", "seal")
    if on_platform(user, "audit.view"):
        return rows
    return rows.filter(Q(tenant__in=tenants_where(user, "audit.view")) | Q(actor=user))


def of(user: User, subject: Model, also: Iterable[Any] = ()) -> Entries:
    """Return what the person may see of the trail of a thing, the newest first.

    Of a person also what they did, of a tenant all that was done in it, of anything what the task with its id did.
    `also`: ids of more subjects whose deeds belong to it, such as a cluster's tasks.
    """
    ids = [str(pk) for pk in (subject.pk, *also)]
    named = Q(subject_id__in=ids, subject_type=subject._meta.label_lower)
    if also:
        named |= Q(subject_id__in=ids[1:])
    if isinstance(subject, User):
        named |= Q(actor=subject)
    elif isinstance(subject, Tenant):
        named |= Q(tenant=subject)
    else:
        named |= Q(request_id=f"op:{subject.pk}")
    return visible(user).filter(named)
