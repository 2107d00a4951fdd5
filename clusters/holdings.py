"""The clusters that a leaver made, and those that keep a tenant from being archived."""

from collections.abc import Iterator

from django.db.models import QuerySet

from clusters.models import Cluster
from tenants import holdings
from tenants.holdings import Holding
from tenants.models import Tenant, User


def _of_person(user: User) -> Iterator[Holding]:
    return _shown(Cluster.objects.filter(created_by=user))


def _of_tenant(tenant: Tenant) -> Iterator[Holding]:
    return _shown(Cluster.objects.filter(tenant=tenant))


def _shown(rows: QuerySet[Cluster]) -> Iterator[Holding]:
    for cluster in rows.select_related("tenant").order_by("tenant__slug", "name"):
        link, note = f"/clusters/{cluster.pk}", str(cluster.get_status_display())
        yield Holding(kind="cluster", name=cluster.name, tenant=cluster.tenant, link=link, note=note)


holdings.also_of_person(_of_person)
holdings.also_of_tenant(_of_tenant)
