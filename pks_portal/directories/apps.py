"""The directories' pages and their task, as a Django app."""

from django.apps import AppConfig


class DirectoriesConfig(AppConfig):
    name = "pks_portal.directories"
    label = "directories"

    def ready(self) -> None:
        from pks_portal.directories import kinds, messages  # noqa: F401, PLC0415 - they declare the task and texts
