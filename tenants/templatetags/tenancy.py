"""What the pages of one tenant share: its head and its tabs."""

from dataclasses import dataclass
from typing import Any, Final

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pks_portal import messages
from tenants.access import ROLES_FOR, may
from tenants.models import Tenant
from tenants.tracing import short_name

register = template.Library()

AUDIT: Final = "audit"
"""The one that is a page of its own, narrowed to the tenant."""

PAGES: Final[tuple[tuple[str, str, str, Promise], ...]] = (
    ("overview", "tenant", "tenant.view", _("Overview")),
    ("members", "members", "member.view", _("Members")),
    ("quota", "quota", "quota.view", _("Quota")),
    ("automation", "automation", "token.view", _("Automation")),
    ("webhooks", "webhooks", "webhook.view", _("Webhooks")),
    ("audit", AUDIT, "audit.view", _("Audit")),
)
"""Each tab: its word, the name of its route, who may use it, what it is called. One without a route is not shown."""


@dataclass(frozen=True, slots=True)
class Tab:
    label: Promise
    url: str
    current: bool


@register.inclusion_tag("tenants/_head.html", takes_context=True)
def tenant_head(context: Any, tenant: Tenant, current: str) -> dict[str, Any]:
    """Show a tenant's name and the tabs that the person may use; `current` is the word of one of PAGES."""
    user = context["request"].user
    tabs = [
        Tab(label, url, word == current)
        for word, route, action, label in PAGES
        if (url := _url(route, tenant)) and action in ROLES_FOR and may(user, action, tenant)
    ]
    return {"tenant": tenant, "tabs": tabs, "request": context["request"]}


def _url(route: str, tenant: Tenant) -> str:
    try:
        return f"{reverse(route)}?tenant={tenant.slug}" if route == AUDIT else reverse(route, args=[tenant.slug])
    except NoReverseMatch:
        return ""


@register.filter
def group_name(dn: str) -> str:
    """Return the short name of a group: the first part of its DN."""
    return short_name(dn)


@register.filter
def role_name(role: str) -> str:
    """Return what a role is called, of a tenant or of the platform."""
    return messages.render(f"role.{role}", {})
