"""Whatever is sent, the API answers as its own description says: generated requests, each by several people."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings

from pks_portal.errors import PROBLEM
from pks_portal.schema import METHODS, schema
from tests.contract import world

KNOWN = {
    "/deliveries/": world.DELIVERIES, "/webhooks/": world.WEBHOOKS,
    "/tenants/": world.TENANTS, "/clouds/": world.CLOUDS, "/plans/": world.PLANS, "/versions/": world.VERSIONS,
    "/quotas/": world.TENANTS, "/quota-requests/": world.REQUESTS,
    "/clusters/": world.CLUSTERS, "/tasks/": world.TASKS,
}  # fmt: skip
CALLS = [(method, path) for path, item in schema()["paths"].items() for method in METHODS if method in item]
RULES = settings(
    deadline=None, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


def narrowed() -> dict[str, Any]:
    """Return the description with the names that there are: else nearly every request would be for nothing."""
    document = copy.deepcopy(schema())
    for path, item in document["paths"].items():
        for call in item.values():
            for part in call.get("parameters", []):
                if part["in"] == "path":
                    part["schema"] = {"enum": _known(path, part["name"])}
    wish = document["components"]["schemas"]["NewClusterRequest"]["properties"]
    for name, values in {"tenant": world.TENANTS, "plan": world.PLANS, "cloud": world.CLOUDS}.items():
        wish[name] = {"enum": values}
    return document


def _known(path: str, name: str) -> list[Any]:
    if (own := {"kubeconfig": world.KUBECONFIG, "token": world.TOKEN, "webhook": world.WEBHOOK}.get(name)) is not None:
        return [own, world.NOWHERE]
    if name == "name":
        return ["ci", "cd"]
    if name in {"id", "username"}:
        return [world.MEMBER, 1] if name == "id" else ["somebody", "nobody"]
    if name == "role":
        return ["auditor", "owner"]
    return next((values for part, values in KNOWN.items() if part in path), [world.NOWHERE])


@pytest.fixture(scope="module")
def api() -> Any:
    import schemathesis  # a second that other tests need not wait for
    from schemathesis.config import (
        ChecksConfig,
        PositiveDataAcceptanceConfig,
        ProjectConfig,
        ProjectsConfig,
        SimpleCheckConfig,
    )
    from schemathesis.config import SchemathesisConfig as Config

    checks = ChecksConfig(
        ignored_auth=SimpleCheckConfig(enabled=False),  # each request is signed as a person
        # no schema can say which sizes a plan allows, and which cursors were given
        positive_data_acceptance=PositiveDataAcceptanceConfig(enabled=False),
    )
    loaded = schemathesis.openapi.from_dict(
        narrowed(), config=Config(projects=ProjectsConfig(default=ProjectConfig(checks=checks)))
    )
    loaded.app = get_wsgi_application()
    return loaded


@pytest.fixture
def people(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[world.World]:
    monkeypatch.setattr("pks_portal.operations.api.LONGEST_WAIT", 0.0)
    for signal in (request_started, request_finished):  # the connection is the test's, which rolls it back
        signal.disconnect(close_old_connections)
    yield world.make()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("mode", ["positive", "negative"])
@pytest.mark.parametrize(("method", "path"), CALLS, ids=[f"{method} {path}" for method, path in CALLS])
def test_answers_everybody_as_described(api: Any, people: world.World, method: str, path: str, mode: str) -> None:
    from schemathesis import GenerationMode

    operation = api[path][method]
    takes = bool(operation.definition.raw.get("parameters") or operation.definition.raw.get("requestBody"))
    if mode == "negative" and not takes:
        return

    @settings(RULES, max_examples=8 if takes else 1)
    @given(operation.as_strategy(generation_mode=GenerationMode(mode)))
    def everybody(case: Any) -> None:
        for person in world.PEOPLE:
            assert_described(case, people.headers(person), stranger=person == "nobody")

    everybody()


def assert_described(case: Any, headers: dict[str, str], *, stranger: bool) -> None:
    with transaction.atomic():
        answer = case.call(headers=headers)
        transaction.set_rollback(True)
    case.validate_response(answer)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == [PROBLEM]
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["detail"]
        assert problem["next"]
    if stranger:
        assert answer.status_code in {400, 401, 404}  # 400 and 404: no such path
