"""Who may do what in the registry. A role in a project (see rights.py) counts like one in its tenant."""

from tenants.access import grant
from tenants.models import PlatformRole, Role

BUILDS = (Role.DEVELOPER, Role.OPERATOR, Role.ADMIN, PlatformRole.PLATFORM_ADMIN)
RUNS = (Role.OPERATOR, Role.ADMIN, PlatformRole.PLATFORM_ADMIN)
GOVERNS = (Role.ADMIN, PlatformRole.PLATFORM_ADMIN)

grant("registry.view", *Role, *PlatformRole)
grant("registry.pull", *Role, PlatformRole.PLATFORM_ADMIN)
grant("registry.push", *BUILDS, makes=True)
grant("registry.scan", *BUILDS)
grant("registry.ask_exception", *BUILDS)
grant("registry.sign", *RUNS)  # push signatures, and pull what is not signed yet in order to sign it
grant("registry.delete", *RUNS)
grant("registry.create", *GOVERNS, makes=True)
grant("registry.configure", *GOVERNS)
grant("registry.decide_exception", *GOVERNS)
grant("registry.robots", *GOVERNS)
grant("scanner.view", *PlatformRole)
grant("scanner.manage", PlatformRole.PLATFORM_ADMIN)
grant("registry_platform.view", *PlatformRole)
grant("registry_platform.manage", PlatformRole.PLATFORM_ADMIN)
