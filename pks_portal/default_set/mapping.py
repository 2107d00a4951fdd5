"""The demo's business lines, and which group of the demo directory gives which role where."""

from typing import Final

SUFFIX: Final = "dc=corp,dc=example"
USER_BASE: Final = f"ou=people,{SUFFIX}"
GROUP_BASE: Final = f"ou=groups,{SUFFIX}"
BIND_DN: Final = f"cn=portal,ou=service,{SUFFIX}"
ADMIN_DN: Final = f"cn=admin,{SUFFIX}"

TENANTS: Final[list[tuple[str, str, str]]] = [
    ("payments", "Payments", "支付"),
    ("retail", "Retail", "零售"),
    ("risk", "Risk", "风控"),
    ("data", "Data & AI", "数据智能"),
    ("iot", "IoT", "物联网"),
]
"""Slug, English name and Chinese name of each business line."""

ROLES: Final = ("viewer", "developer", "operator", "admin")
PLATFORM_GROUPS: Final = {"pks-platform-admins": "platform-admin", "pks-auditors": "auditor"}


def group_dn(name: str) -> str:
    """Return the DN of a group of the demo directory."""
    return f"cn={name},{GROUP_BASE}"


def role_group(slug: str, role: str) -> str:
    """Return the name of the group that gives a role in a business line: pks-payments-operators."""
    return f"pks-{slug}-{role}s"


MAPPINGS: Final[list[tuple[str, str | None, str]]] = [
    *((group_dn(role_group(slug, role)), slug, role) for slug, _, _ in TENANTS for role in ROLES),
    *((group_dn(group), None, role) for group, role in PLATFORM_GROUPS.items()),
]
"""DN of the group, slug of the tenant (None: on the whole platform), and the role it gives."""
