"""Who may do what to tasks."""

from typing import TypeVar

from django.db.models import Model, Q

from tenants.access import Anyone, TenantOwnedQuerySet, grant, tenants_where
from tenants.models import PlatformRole, Role

Row = TypeVar("Row", bound=Model)

grant("task.view", *Role, *PlatformRole)
grant("task.cancel", Role.OPERATOR, Role.ADMIN, PlatformRole.PLATFORM_ADMIN)
grant("task.force", Role.OPERATOR, Role.ADMIN, PlatformRole.PLATFORM_ADMIN)  # who may scale


class TaskQuerySet(TenantOwnedQuerySet[Row]):
    """Tasks: those of one's tenants, and to look at only, those of the platform for which one of them waits."""

    def allowed_to(self, user: Anyone, action: str) -> Q:
        """Return the condition of the tasks on which the user may perform the action."""
        allowed = super().allowed_to(user, action)
        if action != "task.view":
            return allowed
        waiting = type(self)(self.model).filter(tenant__in=tenants_where(user, action), waits_for__isnull=False)
        return allowed | Q(tenant__isnull=True, pk__in=waiting.values("waits_for"))
