"""Who may do what to clusters."""

from tenants.access import grant
from tenants.models import PlatformRole, Role

grant("cluster.view", *Role, *PlatformRole)
grant("cluster.create", Role.OPERATOR, Role.ADMIN, PlatformRole.PLATFORM_ADMIN, makes=True)
grant("cluster.scale", Role.OPERATOR, Role.ADMIN, PlatformRole.PLATFORM_ADMIN)
grant("cluster.label", Role.OPERATOR, Role.ADMIN, PlatformRole.PLATFORM_ADMIN)
grant("cluster.delete", Role.OPERATOR, Role.ADMIN, PlatformRole.PLATFORM_ADMIN)
# The platform's administrators enter a tenant's clusters in an emergency only: not here.
grant("cluster.emergency", PlatformRole.PLATFORM_ADMIN)
grant("cluster.emergency_end", Role.ADMIN, PlatformRole.PLATFORM_ADMIN)  # and who entered, their own
grant("kubeconfig.view", Role.DEVELOPER, Role.OPERATOR, Role.ADMIN)
grant("kubeconfig.edit", Role.DEVELOPER, Role.OPERATOR, Role.ADMIN)
grant("kubeconfig.admin", Role.OPERATOR, Role.ADMIN)
# everybody's: one's own are listed to oneself
grant("kubeconfig.list", Role.OPERATOR, Role.ADMIN, *PlatformRole)
grant("kubeconfig.revoke", Role.OPERATOR, Role.ADMIN, PlatformRole.PLATFORM_ADMIN)
grant("version.view", *Role, *PlatformRole)
grant("version.prepare", PlatformRole.PLATFORM_ADMIN)
