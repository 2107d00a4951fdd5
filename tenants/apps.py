"""The app of people, tenants and rights."""

from contextlib import suppress
from typing import Any

from django.apps import AppConfig
from django.apps.registry import Apps
from django.apps.registry import apps as registry
from django.db.models.signals import post_migrate


class TenantsConfig(AppConfig):
    name = "tenants"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from tenants import (  # noqa: F401, PLC0415 - they declare texts, rights and workers' tasks
            membership_messages,
            messages,
            policy,
            quota_messages,
            quota_tasks,
        )
        from tenants.audit import deeds as _deeds  # noqa: F401, PLC0415
        from tenants.audit import messages as _audit  # noqa: F401, PLC0415
        from tenants.audit import tasks as _trail  # noqa: F401, PLC0415
        from tenants.automation import messages as _texts  # noqa: F401, PLC0415
        from tenants.automation import tasks, wiring  # noqa: F401, PLC0415 - they declare themselves
        from tenants.issuer import wiring as _issuer  # noqa: F401, PLC0415
        from tenants.notices import wiring as _notices  # noqa: F401, PLC0415

        post_migrate.connect(keep_environment_directory, sender=self)


def keep_environment_directory(apps: Apps = registry, **_unused: Any) -> None:
    """Have the row of the environment's directory, also after a test has emptied the database."""
    from tenants.models.directory import ENVIRONMENT  # noqa: PLC0415 - there are no models before Django is up

    with suppress(LookupError):  # migrated back to before there were directories
        sources = apps.get_model("tenants", "DirectorySource").objects
        sources.get_or_create(pk=ENVIRONMENT, defaults={"slug": "environment", "name": "Environment"})
