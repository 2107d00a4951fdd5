"""Write the audit trail."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from tenants.audit import vocabulary
from tenants.audit.origin import here
from tenants.models import AuditEntry, Tenant, User


@dataclass(frozen=True, slots=True)
class Thing:
    """A subject that is no row, such as a Kubernetes version: its type, id and name."""

    type: str
    id: str
    name: str


def record(
    actor: User | None, action: str, subject: Model | Thing | None, *, tenant: Tenant | None = None, **facts: Any
) -> AuditEntry:
    """Record a deed in the caller's transaction, so that the two stand or fall together.

    `actor` None: the portal itself. `facts`: values chosen one by one, by names that `declare` named; never a secret.
    Raises vocabulary.Undeclared in tests and development for a deed or fact that is not declared.
    """
    source = here()
    thing = _thing(subject)
    return AuditEntry.objects.create(
        actor=actor,
        actor_name=vocabulary.one_line(actor.username, 150) if actor else "portal",
        via=source.via,
        address=source.address,
        request_id=source.request_id,
        action=action,
        tenant=tenant,
        subject_type=thing.type,
        subject_id=thing.id,
        subject_name=vocabulary.one_line(thing.name, 200),
        facts=vocabulary.declared(action, facts),
    )


def _thing(subject: Model | Thing | None) -> Thing:
    if subject is None:
        return Thing("", "", "")
    if isinstance(subject, Thing):
        return subject
    return Thing(subject._meta.label_lower, str(subject.pk), str(getattr(subject, "name", subject) or ""))
