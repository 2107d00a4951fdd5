from django.apps import AppConfig


class ClustersConfig(AppConfig):
    name = "clusters"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from clusters import holdings, kinds, messages, policy, room  # noqa: F401, PLC0415 - they declare themselves
