from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "registry"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from registry import holdings, messages, policy, quota, telling  # noqa: F401, PLC0415 - they declare themselves
        from registry.scanning import messages as _scanning  # noqa: F401, PLC0415
        from registry.scanning import rejudging as _rejudging  # noqa: F401, PLC0415
        from registry.scanning import tasks as _tasks  # noqa: F401, PLC0415
        from registry.trust import messages as _trust  # noqa: F401, PLC0415
        from registry.trust import trusted as _trusted  # noqa: F401, PLC0415
        from registry.upkeep import collecting as _collecting  # noqa: F401, PLC0415
        from registry.upkeep import copying as _copying  # noqa: F401, PLC0415
        from registry.upkeep import messages as _upkeep  # noqa: F401, PLC0415
        from registry.upkeep import reconciling as _reconciling  # noqa: F401, PLC0415
        from registry.upkeep import retaining as _retaining  # noqa: F401, PLC0415
