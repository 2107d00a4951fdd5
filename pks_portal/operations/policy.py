"""Who may do what to tasks."""

from tenants.access import grant
from tenants.models import PlatformRole, Role

grant("task.view", *Role, *PlatformRole)
grant("task.cancel", Role.OPERATOR, Role.ADMIN, PlatformRole.PLATFORM_ADMIN)
