"""Who uses the portal, in which business line, in which role, up to which limits, and the record of it."""

from tenants.models.automation import ApiToken, IdempotencyRecord, ServiceAccount
from tenants.models.directory import ENVIRONMENT, DirectoryServer, DirectorySource
from tenants.models.issuer import SigningKey
from tenants.models.leaving import Departure
from tenants.models.notices import Delivery, MailChoice, Notice, Webhook
from tenants.models.people import User
from tenants.models.quota import QuotaKind, QuotaLimit, QuotaUsage, Reservation
from tenants.models.requests import QuotaGrant, QuotaRequest, QuotaRequestLine
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
from tenants.models.trail import AuditEntry, AuditHead, AuditPurge, AuditSeal

__all__ = [
    "ENVIRONMENT",
    "AccessToken",
    "ApiToken",
    "AuditEntry",
    "AuditHead",
    "AuditPurge",
    "AuditSeal",
    "Delivery",
    "Departure",
    "DirectoryServer",
    "DirectorySource",
    "GroupMapping",
    "IdempotencyRecord",
    "MailChoice",
    "Membership",
    "Notice",
    "PlatformGrant",
    "PlatformRole",
    "QuotaGrant",
    "QuotaKind",
    "QuotaLimit",
    "QuotaRequest",
    "QuotaRequestLine",
    "QuotaUsage",
    "Reservation",
    "Role",
    "ServiceAccount",
    "SigningKey",
    "Source",
    "Tenant",
    "User",
    "Webhook",
    "dns_label",
]
