"""Who may do what to tasks."""

from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from tenants.access import Anyone, TenantOwnedQuerySet, grant, tenants_where
from tenants.models import PlatformRole, Role

Row = TypeVar("Row", bound=Model)

grant("task.view", *Role, *PlatformRole)
grant("task.cancel", Role.OPERATOR, Role.ADMIN, PlatformRole.PLATFORM_ADMIN)
grant("task.force", Role.OPERATOR, Role.ADMIN, PlatformRole.PLATFORM_ADMIN)  # who may scale


class TaskQuerySet(TenantOwnedQuerySet[Row]):
    """Tasks: those of one's tenants, and to look at only, those of the platform for which one of them waits."""

    def awaited_by(self, user: Anyone) -> QuerySet[Row, Any]:
        """Return the ids of the platform's tasks for which a task of the user's tenants waits, or has waited."""
        mine = type(self)(self.model).filter(tenant__in=tenants_where(user, "task.view"), waits_for__isnull=False)
        return mine.order_by().values_list("waits_for", flat=True).distinct()

    def allowed_to(self, user: Anyone, action: str) -> Q:
        """Return the condition of the tasks on which the user may perform the action."""
        allowed = super().allowed_to(user, action)
        if action != "task.view":
            return allowed
        return allowed | Q(tenant__isnull=True, pk__in=self.awaited_by(user))
