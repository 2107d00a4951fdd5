"""Who may do what to tenants, members and quotas."""

from tenants.access import grant
from tenants.models import PlatformRole, Role

ANYONE_INSIDE = (*Role, *PlatformRole)

grant("tenant.view", *ANYONE_INSIDE)
grant("quota.view", *ANYONE_INSIDE)
grant("audit.view", Role.ADMIN, *PlatformRole)
