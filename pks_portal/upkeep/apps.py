"""The upkeep commands, as a Django app."""

from django.apps import AppConfig


class UpkeepConfig(AppConfig):
    name = "pks_portal.upkeep"
    label = "upkeep"

    def ready(self) -> None:
        from pks_portal.upkeep import checks, factors, sealing  # noqa: F401, PLC0415 - models are there only now; checks register

        sealing.EXTRA.append(factors.SOURCE)
