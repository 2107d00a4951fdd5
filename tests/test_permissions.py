"""Who may do what: one table of every API call × every role, another tenant and nobody. A new call must be added."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from clusters.models import Cluster, Kubeconfig
from pks_portal.operations.models import Operation
from tenants.models import PlatformRole, Role
from tests.factories import ClusterFactory, MembershipFactory, PlatformGrantFactory
from tests.tools import client_of

WHO = ["viewer", "developer", "operator", "admin", "platform-admin", "auditor", "foreign", "nobody"]
ALL = [200] * 6 + [200, 401]
SEEN = [200] * 6 + [404, 401]
# (method, path, body): expected status for each of WHO
TABLE: dict[tuple[str, str], tuple[Any, list[int]]] = {
    ("get", "/api/v1/me"): (None, ALL),
    ("get", "/api/v1/tenants"): (None, ALL),
    ("get", "/api/v1/tenants/{tenant}"): (None, SEEN),
    ("get", "/api/v1/clouds"): (None, ALL),
    ("get", "/api/v1/clouds/{cloud}"): (None, ALL),
    ("get", "/api/v1/plans"): (None, ALL),
    ("get", "/api/v1/plans/{plan}"): (None, ALL),
    ("get", "/api/v1/versions"): (None, ALL),
    ("get", "/api/v1/versions/1.37.2"): (None, ALL),
    ("post", "/api/v1/versions/1.37.2/prepare"): (None, [403] * 4 + [202, 403, 403, 401]),
    ("get", "/api/v1/clusters"): (None, ALL),
    ("post", "/api/v1/clusters"): ({"name": "new"}, [403, 403, 202, 202, 202, 403, 400, 401]),
    ("post", "/api/v1/clusters?dry_run=true"): ({"name": "new"}, [403, 403, 200, 200, 200, 403, 400, 401]),
    ("get", "/api/v1/clusters/{cluster}"): (None, SEEN),
    ("patch", "/api/v1/clusters/{cluster}"): ({"nodes": 5}, [403, 403, 202, 202, 202, 403, 404, 401]),
    ("delete", "/api/v1/clusters/{cluster}"): (None, [403, 403, 202, 202, 202, 403, 404, 401]),
    ("get", "/api/v1/clusters/{cluster}/kubeconfigs"): (None, SEEN),
    # 409: allowed, but a simulated cluster has no API
    ("post", "/api/v1/clusters/{cluster}/kubeconfigs"): (
        {"level": "edit"}, [403, 409, 409, 409, 403, 403, 404, 401],
    ),
    ("delete", "/api/v1/clusters/{cluster}/kubeconfigs/{kubeconfig}"): (
        None, [403, 403, 204, 204, 204, 403, 404, 401],
    ),
    ("get", "/api/v1/tasks"): (None, ALL),
    ("get", "/api/v1/tasks/{task}"): (None, SEEN),
    ("get", "/api/v1/tasks/{task}/events"): (None, SEEN),
    ("post", "/api/v1/tasks/{task}/cancel"): (None, [403, 403, 202, 202, 202, 403, 404, 401]),
    ("post", "/api/v1/tasks/{task}/retry"): (None, [403, 403, 409, 409, 409, 403, 404, 401]),
}  # fmt: skip


@pytest.fixture
def world(operator: Any) -> dict[str, Any]:
    """Return one of each thing, in one tenant."""
    cluster = ClusterFactory.create(tenant=operator.tenant, endpoint="https://127.0.0.1:6443")
    kubeconfig = Kubeconfig.objects.create(
        cluster=cluster, holder=operator.user, name="k", level="edit", expires_at="2099-01-01T00:00Z"
    )
    task = Operation.objects.create(
        tenant=operator.tenant, kind="kubernetes.prepare", subject_type="kubernetes", subject_id=operator.tenant.opaque
    )
    return {
        "tenant": operator.tenant.slug, "cloud": cluster.cloud.slug, "plan": cluster.plan.slug,
        "cluster": cluster.pk, "kubeconfig": kubeconfig.pk, "task": task.pk, "row": operator.tenant,
    }  # fmt: skip


def person(who: str, tenant: Any) -> Any:
    if who == "nobody":
        return None
    if who == "foreign":
        return MembershipFactory.create(role=Role.ADMIN).user
    if who in PlatformRole.values:
        return PlatformGrantFactory.create(role=who).user
    return MembershipFactory.create(tenant=tenant, role=who).user


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("call", TABLE, ids=lambda call: " ".join(call))
def test_the_table(world: dict[str, Any], call: tuple[str, str], who: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("PKS_CACHE_DIR", "/nonexistent")
    method, path = call
    body, expected = TABLE[call]
    if body and "name" in body:
        body = {"tenant": world["tenant"], "plan": world["plan"], "nodes": 1, "version": "1.37.2", **body}
    before = snapshot()
    answer = getattr(client_of(person(who, world["row"])), method)(path.format(**world), body, format="json")
    assert answer.status_code == expected[WHO.index(who)], answer.content
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json"
        assert snapshot() == before, "a refusal must leave nothing"


def snapshot() -> list[Any]:
    return [
        list(Cluster.objects.values_list("pk", "status")),
        list(Operation.objects.values_list("pk", "status")),
        list(Kubeconfig.objects.values_list("pk", "revoked_at")),
    ]


def test_every_call_is_in_the_table() -> None:
    shapes = {(method, shape(path)) for method, path in TABLE}
    missing = [f"{method} {path}" for method, path in calls() if (method, path) not in shapes]
    assert not missing


def shape(path: str) -> str:
    """Return a path with its variable parts as *."""
    parts = path.split("?", maxsplit=1)[0].replace("1.37.2", "{version}").split("/")
    return "/".join("*" if part.startswith("{") else part for part in parts)


def calls() -> list[tuple[str, str]]:
    """Return every method and path below /api/v1 that the portal answers."""
    found = []
    for pattern, view in walk(get_resolver().url_patterns, ""):
        if pattern.startswith("/api/v1/"):
            found += [(method, pattern) for method in methods(view)]
    return found


def walk(patterns: list[Any], prefix: str) -> list[tuple[str, Callable[..., Any]]]:
    result = []
    for pattern in patterns:
        here = prefix + plain(str(pattern.pattern), first=not prefix)
        if isinstance(pattern, URLResolver):
            result += walk(pattern.url_patterns, here)
        elif isinstance(pattern, URLPattern):
            result.append((here, pattern.callback))
    return result


def plain(pattern: str, *, first: bool) -> str:
    pattern = re.sub(r"\(\?P<\w+>(?:\[[^\]]*\]|[^()])*\)", "*", pattern.removeprefix("^").removesuffix("$"))
    return ("/" if first else "") + pattern.replace(r"\Z", "")


def methods(view: Any) -> list[str]:
    if actions := getattr(view, "actions", None):
        return [method for method in actions if method != "head"]
    return [method for method in ("get", "post", "patch", "delete") if hasattr(view.view_class, method)]
