"""Kinds of quota that are new stay without a limit for tenants that are there already."""

from typing import Any

from django.db import migrations

NEW = ("storage_gib", "registry_gib")


def keep_unlimited(apps: Any, editor: Any) -> None:
    """Give each tenant a row without a limit for each new kind."""
    limits = apps.get_model("tenants", "QuotaLimit").objects
    for tenant in apps.get_model("tenants", "Tenant").objects.all():
        for kind in NEW:
            limits.get_or_create(tenant=tenant, kind=kind, defaults={"limit": None})


class Migration(migrations.Migration):
    dependencies = [("tenants", "0009_quota_requests")]

    operations = [migrations.RunPython(keep_unlimited, migrations.RunPython.noop)]
