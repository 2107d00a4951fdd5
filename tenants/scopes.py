"""What a token may be narrowed to. Each action of the policy is in exactly one scope, or is for people alone."""

from collections.abc import Set as AbstractSet
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    """A part of what its holder may do; a token has some of them, and never more than its holder's roles allow."""

    READ = "read", _("Read")
    CLUSTERS = "clusters", _("Clusters and tasks")
    KUBECONFIG = "kubeconfig", _("Kubeconfigs")
    REGISTRY = "registry", _("Registry")
    QUOTA = "quota", _("Quota requests")
    TENANT = "tenant", _("Members and webhooks")
    PLATFORM = "platform", _("Platform")


ABOUT: Final = {
    Scope.READ: _("see clusters, tasks, quotas and all else that the role shows"),
    Scope.CLUSTERS: _("create, scale, change and delete clusters; cancel and retry tasks"),
    Scope.KUBECONFIG: _("issue and revoke kubeconfigs"),
    Scope.REGISTRY: _("push and pull images"),
    Scope.QUOTA: _("ask for quota"),
    Scope.TENANT: _("change members and their roles, and webhooks"),
    Scope.PLATFORM: _("change what belongs to the platform: tenants, quotas, directories, versions, people"),
}
"""What each scope allows, in words."""

SCOPE_OF: Final[dict[str, Scope | None]] = {
    "cluster": Scope.CLUSTERS,
    "task": Scope.CLUSTERS,
    "kubeconfig": Scope.KUBECONFIG,
    "registry": Scope.REGISTRY,
    "registry_platform": Scope.PLATFORM,
    "quota": Scope.QUOTA,
    "quota.approve": Scope.PLATFORM,
    "quota.change": Scope.PLATFORM,
    "tenant": Scope.PLATFORM,
    "member": Scope.TENANT,
    "webhook": Scope.TENANT,
    "mapping": Scope.PLATFORM,
    "version": Scope.PLATFORM,
    "directory": Scope.PLATFORM,
    "platform": Scope.PLATFORM,
    "audit": Scope.PLATFORM,
    "person": Scope.PLATFORM,
    "scanner": Scope.PLATFORM,
    "token": None,
    "role": None,
    "cluster.emergency": None,
}
"""By action, or by the part before its dot; None: for people who have signed in only, never for a token."""

READING: Final = frozenset({"view", "list"})
ISSUES: Final = frozenset({"kubeconfig.view"})
"""Ends like reading, but issues something."""


def scope_of(action: str) -> Scope | None:
    """Return the scope that an action ("cluster.scale") is in; None: no token may do it, nor what nobody sorted."""
    kind, _dot, verb = action.partition(".")
    if verb in READING and action not in ISSUES:
        return Scope.READ
    return SCOPE_OF[action] if action in SCOPE_OF else SCOPE_OF.get(kind)


def within(action: str, held: AbstractSet[str] | None) -> bool:
    """Say whether an action is inside the scopes held; None: not a token, everything is."""
    return held is None or scope_of(action) in held
