"""The demo company's business lines, their quotas, and which directory group gives which role."""

from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from pks_portal.default_set import mapping
from tenants.directory.config import normal_dn
from tenants.models import GroupMapping, QuotaKind, QuotaLimit, Tenant

Limits = tuple[int, int, int, int, int, int]
LIMITS: Final[dict[str, Limits]] = {
    "payments": (4, 20, 80, 160, 500, 100),
    "retail": (6, 40, 160, 320, 1000, 200),
    "risk": (4, 24, 96, 192, 600, 100),
    "data": (8, 60, 320, 640, 4000, 400),
    "iot": (3, 15, 48, 96, 300, 50),
}


class Command(BaseCommand):
    help = "Make the demo's tenants, quotas and group mappings; a tenant that is there already is left as it is."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("This is for the demo set only (PKS_DEMO=true).")
        with transaction.atomic():
            made = [slug for slug, name, name_zh in mapping.TENANTS if _tenant(slug, name, name_zh)]
            if not GroupMapping.objects.filter(tenant=None).exists():
                _map(None)
        self.stdout.write(f"{len(made)} demo tenants made, {len(mapping.TENANTS) - len(made)} already there.")


def _tenant(slug: str, name: str, name_zh: str) -> bool:
    """Make the tenant with its limits and mappings; say whether it was missing."""
    tenant, made = Tenant.objects.get_or_create(slug=slug, defaults={"name": name, "name_zh": name_zh})
    if made:
        for kind, limit in zip(QuotaKind, LIMITS[slug], strict=True):
            QuotaLimit.objects.create(tenant=tenant, kind=kind, limit=limit)
        _map(tenant)
    return made


def _map(tenant: Tenant | None) -> None:
    """Make the mappings of one tenant, or of the platform."""
    for dn, slug, role in mapping.MAPPINGS:
        if slug == (tenant.slug if tenant else None):
            GroupMapping.objects.get_or_create(group_dn=normal_dn(dn), tenant=tenant, role=role)
