"""Who uses the portal, in which business line, in which role, up to which limits, and the record of it."""

from tenants.models.people import User
from tenants.models.quota import QuotaKind, QuotaLimit, Reservation
from tenants.models.tenancy import (
    GroupMapping,
    Membership,
    PlatformGrant,
    PlatformRole,
    Role,
    Source,
    Tenant,
    dns_label,
)
from tenants.models.tokens import AccessToken
from tenants.models.trail import AuditEntry

__all__ = [
    "AccessToken",
    "AuditEntry",
    "GroupMapping",
    "Membership",
    "PlatformGrant",
    "PlatformRole",
    "QuotaKind",
    "QuotaLimit",
    "Reservation",
    "Role",
    "Source",
    "Tenant",
    "User",
    "dns_label",
]
