"""One tenant's people find nothing of another's by pages, REST, stream and sockets, and would if a query forgot it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.conf import LazySettings
from django.db import connections
from hypothesis import HealthCheck, Phase
from hypothesis import settings as budget
from hypothesis.stateful import run_state_machine_as_test

from clusters.models import Cluster
from pks_portal.operations.models import Operation
from registry.models import Artifact, Project, Repository
from tenants.models import AuditEntry, Delivery, Notice, QuotaRequest, Tenant, Webhook
from tests.permissions.people import BACKEND, browser_of, person
from tests.properties.isolation import Isolation
from tests.properties.two_tenants import CANARY, LeakError, Stage, set_up

pytestmark = pytest.mark.django_db
BUDGET = budget(
    max_examples=6,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)


def everything(model: Any, *related: str) -> Callable[..., Any]:
    """Return a planted fault: a query that should be of one person, and is of everybody."""
    return lambda *args, **more: model.objects.select_related(*related)


class Forgetful:
    """Something of the portal with some of its parts replaced; a planted fault."""

    def __init__(self, real: Any, **instead: Any) -> None:
        self._real = real
        self.__dict__.update(instead)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def unscoped(model: Any) -> Any:
    """Return a planted fault: a model whose `visible_to` shows everything."""
    return Forgetful(model, objects=Forgetful(model.objects, visible_to=everything(model)))


def whosever(model: Any, **wanted: Any) -> Any:
    """Get a row by its id alone; a planted fault."""
    return model.objects.get(pk=wanted["pk"])


FAULTS: dict[str, Any] = {
    # REST
    "clusters.api.ClusterViewSet.get_queryset": everything(Cluster, "tenant", "plan", "cloud", "created_by"),
    "pks_portal.operations.api.TaskViewSet.get_queryset": everything(Operation, "tenant"),
    "tenants.api.quotas.tenants_where": everything(Tenant),
    "tenants.api.webhooks.DeliveryViewSet.get_queryset": everything(Delivery, "webhook__tenant"),
    "tenants.notices.webhooks.visible": everything(Webhook, "tenant", "created_by"),
    "tenants.audit.reading.tenants_where": everything(Tenant),
    "registry.browsing.projects": everything(Project, "tenant"),
    "registry.browsing.repositories": everything(Repository, "project__tenant"),
    "registry.browsing.artifacts": everything(Artifact, "repository__project__tenant"),
    "registry.security.Project": unscoped(Project),
    # pages
    "pks_portal.operations.views._visible": everything(Operation),
    "clusters.views.detail.Cluster": unscoped(Cluster),
    "pks_portal.dashboard.Operation": unscoped(Operation),
    "pks_portal.views.Cluster": unscoped(Cluster),
    "tenants.requests.visible_to": everything(QuotaRequest),
    "tenants.notices.reading.of": everything(Notice),
    "tenants.views.tenants.tenants_where": everything(Tenant),
    # sockets and the stream
    "pks_portal.feed.tenants_where": everything(Tenant),
    "pks_portal.operations.consumers.Operation": unscoped(Operation),
    "pks_portal.operations.stream.Operation": unscoped(Operation),
    # what changes
    "tenants.views.profile.get_object_or_404": whosever,
    "tenants.views.automation.may": lambda user, action, tenant: True,
}
BESIDE: dict[str, Any] = {
    "tenants.views.automation.may": ("tenants.automation.tokens.may_manage", lambda *people: None)
}
"""What else must be forgotten for a fault to do harm: the service asks as well as the view."""


@pytest.fixture
def stage(db: None, settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Return two tenants, in a transaction of which each run undoes what it did."""
    monkeypatch.setenv("PKS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(connections["default"], "close_if_unusable_or_obsolete", lambda: None)  # sockets would
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend", BACKEND]
    Isolation.stage = set_up(monkeypatch)
    return Isolation.stage


def test_nothing_of_another_tenant_is_seen_or_touched(stage: Stage) -> None:
    run_state_machine_as_test(Isolation, settings=BUDGET)


@pytest.mark.parametrize("place", FAULTS)
def test_a_query_that_forgets_the_tenant_is_found(stage: Stage, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, fault in [(place, FAULTS[place]), *([BESIDE[place]] if place in BESIDE else [])]:
        monkeypatch.setattr(name, fault)
    with pytest.raises(LeakError):
        run_state_machine_as_test(Isolation, settings=budget(BUDGET, max_examples=5, stateful_step_count=60))


@pytest.mark.parametrize("path", [
    "/clusters", "/tasks", "/search?q=zqcan", "/clusters/{cluster}", "/tasks/{failed}", "/webhooks/{webhook}",
    "/approvals/{request}", "/tenants/{tenant}/automation", "/api/v1/clusters", "/api/v1/webhooks",
    "/api/v1/quota-requests/{request}", "/api/v1/tenants/{tenant}/groups",
])  # fmt: skip
def test_theirs_see_the_canary(stage: Stage, path: str) -> None:
    """What is not to be found by others is there."""
    theirs = browser_of(person("admin", stage.theirs["row"]))
    assert CANARY in theirs.get(path.format(**stage.theirs)).content.decode()


def test_what_is_held_is_all_that_they_have(stage: Stage) -> None:
    """Whatever table a tenant's thing is in, a change of it is noticed."""
    before = stage.held.look()
    Cluster.objects.filter(pk=stage.theirs["cluster"]).update(labels={"a": "b"})
    UserSession.objects.filter(pk=stage.theirs["session"]).delete()
    AuditEntry.objects.create(action="cluster.label", actor_name="x", tenant=stage.theirs["row"])
    now = stage.held.look()
    changed = {table for table in now if now[table] != before[table]}
    assert changed == {"clusters.Cluster", "usersessions.UserSession", "tenants.AuditEntry"}
