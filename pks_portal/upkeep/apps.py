"""The upkeep commands, as a Django app."""

from django.apps import AppConfig


class UpkeepConfig(AppConfig):
    name = "pks_portal.upkeep"
    label = "upkeep"
