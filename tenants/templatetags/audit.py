"""The trail on pages: sentences, and the trail of any one thing."""

from typing import Any

from django import template
from django.db.models import Model
from django.urls import NoReverseMatch, reverse

from tenants.access import may, on_platform
from tenants.audit import of, wording
from tenants.models import AuditEntry, Tenant

register = template.Library()

LATEST = 50
PAGES = {
    "clusters.cluster": "clusters:detail",
    "operations.operation": "operations:detail",
    "tenants.quotarequest": "approval",
}


@register.filter
def sentence(entry: AuditEntry) -> str:
    """Return what was done, in words, without who and to what."""
    return wording.deed(entry.action, entry.facts)


@register.filter
def facts_of(entry: AuditEntry) -> list[tuple[str, str]]:
    """Return the facts as pairs of a name in words and a value."""
    return wording.facts(entry)


@register.filter
def task_of(entry: AuditEntry) -> str:
    """Return the address of the task that the entry belongs to, empty where there is none."""
    return _address("operations.operation", wording.task(entry))


@register.filter
def page_of(entry: AuditEntry) -> str:
    """Return the address of the page of what it was done to, empty where there is none."""
    return _address(entry.subject_type, entry.subject_id)


@register.inclusion_tag("tenants/audit/_of.html", takes_context=True)
def audit_of(context: dict[str, Any], subject: Model, also: Any = (), *, titled: bool = True) -> dict[str, Any]:
    """Show what the person may see of the trail of a thing; `also` are ids of more subjects that belong to it.

    `titled`: with a heading, for where no tab says what it is.
    """
    user = context["request"].user
    rows = list(of(user, subject, list(also))[: LATEST + 1])
    tenant = subject if isinstance(subject, Tenant) else getattr(subject, "tenant", None)
    whole = on_platform(user, "audit.view") or (tenant is not None and bool(may(user, "audit.view", tenant)))
    more = f"{reverse('audit')}?{_filter(subject)}" if len(rows) > LATEST and whole else ""
    shown = {"entries": rows[:LATEST], "whole": whole or subject == user, "more": more, "titled": titled}
    return shown | {"request": context["request"]}


def _filter(subject: Model) -> str:
    if isinstance(subject, Tenant):
        return f"tenant={subject.slug}"
    return f"subject={subject._meta.label_lower}:{subject.pk}"


def _address(kind: str, pk: str) -> str:
    if not pk or kind not in PAGES:
        return ""
    try:
        return reverse(PAGES[kind], args=[pk])
    except NoReverseMatch:
        return ""
