"""Who may do what over REST: one table of every call × every role, another tenant and nobody."""

from typing import Any

import pytest

from tests.permissions import of_approvals, of_directories, of_emergency, of_images, of_notices, of_people
from tests.permissions.checks import assert_kept_out, assert_roles_do_not_add_up, body_of, snapshot, undone
from tests.permissions.people import WHO, person
from tests.tools import client_of

ALL = [200] * 6 + [200, 401]
SEEN = [200] * 6 + [404, 401]
ACCOUNTS = "/api/v1/tenants/{tenant}/service-accounts"
ADMINS_SEE = [403] * 3 + [200, 200, 200, 404, 401]
CHANGES = [403, 403, 202, 202, 202, 403, 404, 401]
# (method, path): (body, expected status for each of WHO)
TABLE: dict[tuple[str, str], tuple[Any, list[int]]] = {
    ("get", "/api/v1/me"): (None, ALL),
    ("get", "/api/v1/tenants"): (None, ALL),
    ("get", "/api/v1/tenants/{tenant}"): (None, SEEN),
    ("get", "/api/v1/audit"): (None, ALL),
    ("post", "/api/v1/audit/export"): ({"form": "jsonl"}, ALL),
    ("get", "/api/v1/me/tokens"): (None, ALL),
    ("post", "/api/v1/me/tokens"): ({"name": "mine", "scopes": ["read"]}, [201] * 7 + [401]),
    ("delete", "/api/v1/me/tokens/{token}"): (None, [404] * 7 + [401]),  # one's own only
    ("post", "/api/v1/me/tokens/{token}/rotate"): ({}, [404] * 7 + [401]),
    ("get", ACCOUNTS): (None, ADMINS_SEE),
    ("post", ACCOUNTS): ({"name": "cd", "role": "viewer"}, [403] * 3 + [201, 201, 403, 404, 401]),
    ("get", f"{ACCOUNTS}/{{account}}"): (None, ADMINS_SEE),
    ("patch", f"{ACCOUNTS}/{{account}}"): ({"disabled": True}, [403] * 3 + [200, 200, 403, 404, 401]),
    ("delete", f"{ACCOUNTS}/{{account}}"): (None, [403] * 3 + [204, 204, 403, 404, 401]),
    ("get", f"{ACCOUNTS}/{{account}}/tokens"): (None, ADMINS_SEE),
    ("post", f"{ACCOUNTS}/{{account}}/tokens"): (
        {"name": "its", "scopes": ["read"]}, [403] * 3 + [201, 201, 403, 404, 401],
    ),
    ("delete", f"{ACCOUNTS}/{{account}}/tokens/{{token}}"): (None, [403] * 3 + [204, 204, 403, 404, 401]),
    ("post", f"{ACCOUNTS}/{{account}}/tokens/{{token}}/rotate"): ({}, [403] * 3 + [200, 200, 403, 404, 401]),
    ("post", "/api/v1/tenants"): ({"slug": "new", "name": "New"}, [403] * 4 + [201, 403, 403, 401]),
    ("patch", "/api/v1/tenants/{tenant}"): ({"name": "canary 2"}, [403] * 4 + [200, 403, 404, 401]),
    ("post", "/api/v1/tenants/{tenant}/archive"): (None, [403] * 4 + [409, 403, 404, 401]),  # it has clusters
    ("post", "/api/v1/tenants/{tenant}/restore"): (None, [403] * 4 + [409, 403, 404, 401]),  # it is not archived
    ("get", "/api/v1/tenants/{tenant}/members"): (None, SEEN),
    ("post", "/api/v1/tenants/{tenant}/members"): (
        {"username": "canary-newcomer", "role": "viewer"}, [403] * 3 + [201, 201, 403, 404, 401],
    ),
    ("delete", "/api/v1/tenants/{tenant}/members/{member}"): (None, [403] * 3 + [204, 204, 403, 404, 401]),
    ("get", "/api/v1/tenants/{tenant}/members/{holder}/why"): (None, ADMINS_SEE),
    ("get", "/api/v1/tenants/{tenant}/groups"): (None, SEEN),
    ("post", "/api/v1/tenants/{tenant}/groups"): (
        {"group": "cn=a,dc=b", "role": "viewer"}, [403] * 3 + [201, 201, 403, 404, 401],
    ),
    ("delete", "/api/v1/tenants/{tenant}/groups/{mapping}"): (None, [403] * 3 + [204, 204, 403, 404, 401]),
    **of_directories.API,
    **of_emergency.API,
    **of_images.API,
    **of_notices.API,
    **of_people.API,
    **of_approvals.API,
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
    ("patch", "/api/v1/clusters/{cluster}"): ({"nodes": 5}, CHANGES),
    ("patch", "/api/v1/clusters/{cluster}?dry_run=true"): ({"nodes": 5}, [403, 403, 200, 200, 200, 403, 404, 401]),
    ("delete", "/api/v1/clusters/{cluster}"): (None, CHANGES),
    ("post", "/api/v1/clusters/{cluster}/token"): ({}, [403, 409, 409, 409, 403, 403, 404, 401]),  # no issuer in tests
    ("get", "/api/v1/clusters/{cluster}/kubeconfigs"): (None, SEEN),
    # 409: allowed, but a simulated cluster has no API
    ("post", "/api/v1/clusters/{cluster}/kubeconfigs"): ({"level": "edit"}, [403, 409, 409, 409, 403, 403, 404, 401]),
    ("delete", "/api/v1/clusters/{cluster}/kubeconfigs/{kubeconfig}"): (
        None, [403, 403, 204, 204, 204, 403, 404, 401],
    ),
    ("get", "/api/v1/kubeconfigs"): (None, ALL),
    ("post", "/api/v1/kubeconfigs"): (
        {"clusters": ["{cluster}"], "level": "edit"}, [403, 409, 409, 409, 403, 403, 400, 401],
    ),
    ("delete", "/api/v1/kubeconfigs/{kubeconfig}"): (None, [404, 404, 204, 204, 204, 403, 404, 401]),
    ("post", "/api/v1/kubeconfigs/revoke"): ({"cluster": "{cluster}"}, [403, 403, 200, 200, 200, 403, 400, 401]),
    ("get", "/api/v1/tasks"): (None, ALL),
    ("get", "/api/v1/tasks/{task}"): (None, SEEN),
    ("get", "/api/v1/tasks/{task}/events"): (None, SEEN),
    ("post", "/api/v1/tasks/{task}/cancel"): (None, CHANGES),
    ("post", "/api/v1/tasks/{task}/retry"): (None, [403, 403, 409, 409, 409, 403, 404, 401]),
    ("post", "/api/v1/tasks/{task}/force"): (None, [403, 403, 409, 409, 409, 403, 404, 401]),
    ("get", "/api/v1/tasks/{failed}"): (None, SEEN),
    ("post", "/api/v1/tasks/{failed}/force"): (None, [403, 403, 409, 409, 409, 403, 404, 401]),
    ("post", "/api/v1/tasks/{failed}/cancel"): (None, [403, 403, 409, 409, 409, 403, 404, 401]),
    ("post", "/api/v1/tasks/{failed}/retry"): (None, CHANGES),
    ("get", "/api/v1/tasks/{platform}"): (None, [404] * 4 + [200, 200, 404, 401]),
    ("get", "/api/v1/tasks/{platform}/events"): (None, [404] * 4 + [200, 200, 404, 401]),
    ("post", "/api/v1/tasks/{platform}/cancel"): (None, [404] * 4 + [409, 403, 404, 401]),
    ("post", "/api/v1/tasks/{platform}/force"): (None, [404] * 4 + [409, 403, 404, 401]),
    ("post", "/api/v1/tasks/{platform}/retry"): (None, [404] * 4 + [202, 403, 404, 401]),
}  # fmt: skip


def filled(part: Any, world: dict[str, Any]) -> Any:
    """Return a part of a body with the names of the world in its texts."""
    if isinstance(part, list):
        return [filled(one, world) for one in part]
    return part.format(**world) if isinstance(part, str) else part


def ask(world: dict[str, Any], call: tuple[str, str], user: Any) -> Any:
    method, path = call
    body, _ = TABLE[call]
    if body and body.get("name") == "new":
        body = {"tenant": world["tenant"], "plan": world["plan"], "nodes": 1, "version": "1.37.2", **body}
    if body:
        body = {name: filled(part, world) for name, part in body.items()}
    return getattr(client_of(user), method)(path.format(**world), body, format="json")


@pytest.mark.parametrize("call", TABLE, ids=" ".join)
def test_the_table(world: dict[str, Any], call: tuple[str, str], subtests: pytest.Subtests) -> None:
    people = {who: person(who, world["row"]) for who in WHO}
    before = snapshot()
    for (who, user), expected in zip(people.items(), TABLE[call][1], strict=True):
        with subtests.test(who=who), undone():
            body = assert_answered(world, call, user, expected, before)
            if who in {"foreign", "nobody"}:
                assert_kept_out(body)


def assert_answered(world: dict[str, Any], call: tuple[str, str], user: Any, expected: int, before: list[Any]) -> bytes:
    answer = ask(world, call, user)
    assert answer.status_code == expected, answer.content
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json"
        assert snapshot() == before, "a refusal must leave nothing"
    return body_of(answer)


@pytest.mark.parametrize("call", [call for call in TABLE if "{" in call[1]], ids=" ".join)
def test_roles_do_not_add_up(world: dict[str, Any], call: tuple[str, str]) -> None:
    """Who only looks here may do no more for being an administrator elsewhere."""
    assert_roles_do_not_add_up(world, lambda user: ask(world, call, user), TABLE[call][1][WHO.index("viewer")])
