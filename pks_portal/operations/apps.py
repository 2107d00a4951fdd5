from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "pks_portal.operations"
    label = "operations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from pks_portal import celery  # noqa: F401, PLC0415 - so that shared tasks find their app
        from pks_portal.operations import holdings, messages, policy  # noqa: F401, PLC0415 - they declare themselves
