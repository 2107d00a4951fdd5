"""How much of the tenant's quota the registry takes: whole GiB of all its projects together."""

import math
from typing import Final

from django.db.models import Sum

from registry.models import Project, Push
from tenants import quotas
from tenants.models import QuotaKind, Tenant

GIB: Final = 1024**3

quotas.measures("registry", QuotaKind.REGISTRY_GIB)


def wanted(tenant: Tenant) -> int:
    """Return the bytes that the tenant's projects take, with what is being pushed."""
    lying = Project.objects.filter(tenant=tenant).aggregate(total=Sum("used"))["total"] or 0
    coming = Push.objects.filter(project__tenant=tenant).aggregate(total=Sum("adds"))["total"] or 0
    return int(lying + coming)


def reserve(tenant: Tenant, *, adding: int = 0) -> None:
    """Reserve what the tenant's projects take, and `adding` bytes more. Call under the tenant's lock.

    Raises QuotaExceeded when it takes more than before and more than there is.
    """
    quotas.reserve(tenant, tenant.opaque, {QuotaKind.REGISTRY_GIB: _gib(wanted(tenant) + adding)})


def measure(tenant: Tenant) -> None:
    """Reserve exactly what the tenant's projects take, be there so much or not. Call under the tenant's lock."""
    quotas.measured(tenant, tenant.opaque, {QuotaKind.REGISTRY_GIB: _gib(wanted(tenant))})


def _gib(size: int) -> int:
    return math.ceil(size / GIB)
