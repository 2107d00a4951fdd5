"""Who may do what to tenants, members and quotas."""

from tenants.access import grant
from tenants.models import PlatformRole, Role

ANYONE_INSIDE = (*Role, *PlatformRole)

grant("tenant.view", *ANYONE_INSIDE)
grant("tenant.create", PlatformRole.PLATFORM_ADMIN)
grant("tenant.rename", PlatformRole.PLATFORM_ADMIN)
grant("tenant.archive", PlatformRole.PLATFORM_ADMIN)
grant("member.view", *ANYONE_INSIDE)
grant("member.change", Role.ADMIN, PlatformRole.PLATFORM_ADMIN)
grant("role.view", Role.ADMIN, *PlatformRole)  # why somebody has their roles
grant("role.platform", PlatformRole.PLATFORM_ADMIN)
grant("person.view", *PlatformRole)
grant("person.deactivate", PlatformRole.PLATFORM_ADMIN)
grant("person.reset_factors", PlatformRole.PLATFORM_ADMIN)
grant("quota.view", *ANYONE_INSIDE)
grant("quota.request", Role.ADMIN, makes=True)  # over one's own wish whoever may make the wish may ask, see requests.py
grant("quota.approve", PlatformRole.PLATFORM_ADMIN)
grant("quota.change", PlatformRole.PLATFORM_ADMIN)
grant("token.view", Role.ADMIN, *PlatformRole)
grant("token.manage", Role.ADMIN, PlatformRole.PLATFORM_ADMIN)
grant("webhook.view", Role.ADMIN, *PlatformRole)
grant("webhook.manage", Role.ADMIN, PlatformRole.PLATFORM_ADMIN)
grant("audit.view", Role.ADMIN, *PlatformRole)
grant("directory.view", *PlatformRole)
grant("directory.manage", PlatformRole.PLATFORM_ADMIN)
grant("platform.view", *PlatformRole)
