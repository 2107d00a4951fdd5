"""Write the audit trail."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from tenants.models import AuditEntry, Tenant, User


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a deed comes from: door ("page", "api", "worker"), client address, request id."""

    via: str = ""
    address: str | None = None
    request_id: str = ""


NOWHERE = Origin()
origin: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)


def record(
    actor: User | None, action: str, subject: Model | None, *, tenant: Tenant | None = None, **facts: Any
) -> AuditEntry:
    """Record a deed in the caller's transaction, so that the two stand or fall together.

    `actor` None: the portal itself. `facts`: plain JSON values chosen one by one; never a secret.
    """
    source = origin.get()
    return AuditEntry.objects.create(
        actor=actor,
        actor_name=actor.username if actor else "portal",
        via=source.via,
        address=source.address,
        request_id=source.request_id,
        action=action,
        tenant=tenant,
        subject_type=subject._meta.label_lower if subject else "",
        subject_id=str(subject.pk) if subject else "",
        subject_name=str(getattr(subject, "name", subject) or "")[:200],
        facts=facts,
    )
