"""What surrounds every page: who looks, which tenant is chosen, how much is going on, theme and language."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from clusters.models import Cluster
from pks_portal.operations.models import Operation
from pks_portal.operations.templatetags.portal import words
from registry import exceptions
from tenants import requests
from tenants.access import on_platform, somewhere, tenants_where
from tenants.models import Tenant, User
from tenants.notices import reading

THEME_COOKIE = "pks_theme"
THEMES = ("light", "dark")
WITH_TENANT = ("/", "/clusters", "/images", "/security", "/kubeconfigs", "/tasks", "/audit")


@dataclass
class Shell:
    """The shell of one request; counts are read only where the template shows them."""

    request: HttpRequest
    demo: bool = field(default_factory=lambda: settings.DEMO)

    @property
    def user(self) -> User | None:
        user = self.request.user
        return user if isinstance(user, User) else None

    @property
    def theme(self) -> str:
        """The chosen theme; empty means the system's."""
        chosen = self.request.COOKIES.get(THEME_COOKIE, "")
        return chosen if chosen in THEMES else ""

    @property
    def html_lang(self) -> str:
        """The page's language as HTML writes it."""
        return "zh-Hans" if (get_language() or "").startswith("zh") else "en"

    @cached_property
    def _visible(self) -> list[Tenant]:
        return list(tenants_where(self.user, "tenant.view")) if self.user else []

    @property
    def tenants(self) -> list[Tenant]:
        """The tenants that the person may look into and that are not archived."""
        return [tenant for tenant in self._visible if tenant.archived_at is None]

    @cached_property
    def tenant(self) -> Tenant | None:
        """The tenant chosen in the URL; None means all that one can see."""
        slug = self.request.GET.get("tenant")
        return next((tenant for tenant in self._visible if tenant.slug == slug), None)

    @property
    def home(self) -> Tenant | None:
        """The tenant that is meant where one must be: the chosen one, or the only one."""
        return self.tenant or (self.tenants[0] if len(self.tenants) == 1 else None)

    @cached_property
    def may_see_people(self) -> bool:
        """Whether the person may look at all people of the platform."""
        return self.user is not None and on_platform(self.user, "person.view")

    @cached_property
    def may_see_platform(self) -> bool:
        """Whether the person may look at what belongs to the platform itself."""
        return self.user is not None and on_platform(self.user, "platform.view")

    @cached_property
    def may_see_directories(self) -> bool:
        """Whether the person may look at the company directories."""
        return self.user is not None and on_platform(self.user, "directory.view")

    @cached_property
    def may_have_kubeconfigs(self) -> bool:
        """Whether the person may get kubeconfigs, or look at those of others."""
        if self.user is None:
            return False
        return somewhere(self.user, "kubeconfig.view") or somewhere(self.user, "kubeconfig.list")

    @cached_property
    def may_see_webhooks(self) -> bool:
        """Whether the person may look at the platform's webhooks; a tenant's are on the tenant's page."""
        return self.user is not None and on_platform(self.user, "webhook.view")

    @cached_property
    def query(self) -> str:
        """The part of a link that keeps the chosen tenant."""
        return f"?tenant={self.tenant.slug}" if self.tenant else ""

    @property
    def switch_path(self) -> str:
        """Where choosing another tenant leads: this page if it is a list, else the clusters."""
        here = self.request.path
        return here if here in WITH_TENANT else "/clusters"

    @cached_property
    def cluster_count(self) -> int:
        return _within(Cluster.objects.visible_to(self.user, "cluster.view"), self.tenant).count() if self.user else 0

    @cached_property
    def may_audit(self) -> bool:
        """Whether the person may read the audit log of any tenant."""
        return self.user is not None and somewhere(self.user, "audit.view")

    @cached_property
    def task_count(self) -> int:
        """How many tasks are unfinished."""
        if self.user is None:
            return 0
        rows = Operation.objects.visible_to(self.user, "task.view").filter(status__in=Operation.UNFINISHED)
        return int(_within(rows, self.tenant).count())

    @cached_property
    def approval_count(self) -> int:
        """How many requests wait for the person's decision."""
        return requests.waiting_for(self.user).count() + self.exception_count if self.user else 0

    @cached_property
    def exception_count(self) -> int:
        """How many wishes to let a vulnerability pass wait for the person's decision."""
        return exceptions.open_for(self.user).count() if self.user else 0

    @cached_property
    def notice_count(self) -> int:
        """How many notices the person has not read."""
        return reading.unread(self.user) if self.user else 0

    @property
    def words(self) -> dict[str, Any]:
        """The texts with which scripts keep times true."""
        return words()


def _within(rows: Any, tenant: Tenant | None) -> Any:
    return rows.filter(tenant=tenant) if tenant else rows


def shell(request: HttpRequest) -> dict[str, Any]:
    """Give every template its shell (context processor)."""
    return {"shell": Shell(request)}
