"""The unfinished tasks of a leaver, held ones too, and those that keep a tenant from being archived."""

from collections.abc import Iterator

from django.db.models import QuerySet

from pks_portal.operations.models import Operation
from tenants import holdings
from tenants.holdings import Holding
from tenants.models import Tenant, User


def _of_person(user: User) -> Iterator[Holding]:
    return _shown(Operation.objects.filter(actor=user))


def _of_tenant(tenant: Tenant) -> Iterator[Holding]:
    return _shown(Operation.objects.filter(tenant=tenant))


def _shown(rows: QuerySet[Operation]) -> Iterator[Holding]:
    for task in rows.exclude(status__in=Operation.ENDED).select_related("tenant").order_by("created_at"):
        link, note = f"/tasks/{task.pk}", str(task.get_status_display())
        yield Holding(kind="task", name=task.title, tenant=task.tenant, link=link, note=note)


holdings.also_of_person(_of_person)
holdings.also_of_tenant(_of_tenant)
