from django.apps import AppConfig


class ClustersConfig(AppConfig):
    name = "clusters"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from clusters import emergency_messages, holdings, kinds, messages, policy, reminding, room  # noqa: F401, PLC0415 - they declare themselves
