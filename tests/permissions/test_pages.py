"""Who may see and do what on the pages: every page, form and fragment × every role, another tenant and nobody."""

from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings

from tests.permissions import of_approvals, of_directories, of_emergency, of_images, of_notices, of_people
from tests.permissions.checks import assert_kept_out, assert_roles_do_not_add_up, body_of, snapshot, undone
from tests.permissions.people import WHO, browser_of, person

LOGIN = 401  # pages send to the sign-in page instead, fragments say 401
ALL = [200] * 7 + [LOGIN]
ABSENT = [404] * 7 + [LOGIN]
SEEN = [200] * 6 + [404, LOGIN]
CREATES = [403, 403, 200, 200, 200, 403, 200, LOGIN]
CHANGES = [403, 403, 302, 302, 302, 403, 404, LOGIN]
PLATFORM = [404] * 4 + [200, 200, 404, LOGIN]
ADMINS = [403, 403, 403, 302, 302, 403, 404, LOGIN]  # of the tenant, and the platform's
RUN = [403] * 4 + [302, 403, 403, LOGIN]  # the platform's administrators
LOOKED_INTO = [403] * 4 + [200, 200, 403, LOGIN]  # by those with a platform role
WISH = {"name": "new", "plan": "small", "nodes": "1", "version": "1.37.2", "cloud": "simulated"}
AUDITS = [403] * 3 + [200] * 4 + [LOGIN]  # who is a stranger here audits another tenant
ADMINS_SEE = [403] * 3 + [200, 200, 200, 404, LOGIN]
ADMINS_CHANGE = [403] * 3 + [302, 302, 403, 404, LOGIN]
# (method, path): (fields, expected status for each of WHO)
TABLE: dict[tuple[str, str], tuple[dict[str, str], list[int]]] = {
    ("get", "/"): ({}, ALL),
    ("get", "/clusters"): ({}, ALL),
    ("get", "/clusters/rows?id={cluster}"): ({}, ALL),
    ("get", "/clusters/new"): ({}, CREATES),
    ("post", "/clusters/new"): ({**WISH, "tenant": "{tenant}"}, [403, 403, 302, 302, 302, 403, 422, LOGIN]),
    ("get", "/clusters/new/preview"): ({**WISH, "tenant": "{tenant}"}, ALL),
    ("get", "/clusters/new/name?name=new&tenant={tenant}"): ({}, ALL),
    ("get", "/clusters/{cluster}"): ({}, SEEN),
    ("get", "/clusters/{cluster}?tab=access"): ({}, SEEN),
    ("get", "/clusters/{cluster}?tab=tasks"): ({}, SEEN),
    ("get", "/clusters/{cluster}?tab=audit"): ({}, SEEN),
    ("get", "/clusters/{cluster}?tab=code"): ({}, SEEN),
    ("post", "/clusters/{cluster}/scale"): ({"nodes": "5"}, CHANGES),
    ("get", "/clusters/{cluster}/scale/preview?nodes=5"): ({}, [403, 403, 200, 200, 200, 403, 404, LOGIN]),
    ("post", "/clusters/{cluster}/labels"): ({"labels": "a=b"}, CHANGES),
    ("post", "/clusters/{cluster}/delete"): ({"name": "canary-cluster"}, CHANGES),
    ("get", "/clusters/{cluster}/delete/what"): ({}, SEEN),
    # 409: allowed, but a simulated cluster has no API
    ("post", "/clusters/{cluster}/kubeconfigs"): (
        {"level": "edit", "hours": "8"}, [403, 409, 409, 409, 403, 403, 404, LOGIN],
    ),
    ("get", "/kubeconfigs"): ({}, ALL),
    ("get", "/kubeconfigs/new?cluster={cluster}"): ({}, ALL),  # it offers what one may have
    ("post", "/kubeconfigs/new"): (
        {"cluster": "{cluster}", "level": "edit", "hours": "8"}, [403, 409, 409, 409, 403, 403, 400, LOGIN],
    ),
    ("get", "/kubeconfigs/revoke?cluster={cluster}"): ({}, [403, 403, 200, 200, 200, 403, 404, LOGIN]),
    ("get", "/kubeconfigs/revoke?holder={holder}"): ({}, [404, 404, 200, 200, 200, 403, 404, LOGIN]),
    ("get", "/kubeconfigs/revoke?id={kubeconfig}"): ({}, [404, 404, 200, 200, 200, 403, 404, LOGIN]),
    ("get", "/kubeconfigs/revoke?mine=1"): ({}, ALL),
    ("post", "/kubeconfigs/revoke"): ({"cluster": "{cluster}"}, CHANGES),
    ("get", "/plans"): ({}, ALL),
    ("get", "/versions"): ({}, ALL),
    ("post", "/versions/1.37.2/prepare"): ({}, [403] * 4 + [302, 403, 403, LOGIN]),
    ("get", "/tasks"): ({}, ALL),
    ("get", "/tasks/rows?id={task}&id={failed}&id={platform}"): ({}, ALL),
    ("get", "/tasks/{task}"): ({}, SEEN),
    ("get", "/tasks/{task}/log"): ({}, SEEN),
    ("post", "/tasks/{task}/cancel"): ({}, CHANGES),
    ("post", "/tasks/{task}/retry"): ({}, [403, 403, 409, 409, 409, 403, 404, LOGIN]),
    ("post", "/tasks/{task}/force"): ({}, [403, 403, 409, 409, 409, 403, 404, LOGIN]),
    ("get", "/tasks/{failed}"): ({}, SEEN),
    ("post", "/tasks/{failed}/force"): ({}, [403, 403, 409, 409, 409, 403, 404, LOGIN]),
    ("post", "/tasks/{failed}/cancel"): ({}, [403, 403, 409, 409, 409, 403, 404, LOGIN]),
    ("post", "/tasks/{failed}/retry"): ({}, CHANGES),
    ("get", "/tasks/{platform}"): ({}, PLATFORM),
    ("get", "/tasks/{platform}/log"): ({}, PLATFORM),
    ("post", "/tasks/{platform}/cancel"): ({}, [404] * 4 + [409, 403, 404, LOGIN]),
    ("post", "/tasks/{platform}/force"): ({}, [404] * 4 + [409, 403, 404, LOGIN]),
    ("post", "/tasks/{platform}/retry"): ({}, [404] * 4 + [302, 403, 404, LOGIN]),
    ("get", "/api/docs"): ({}, ALL),
    ("get", "/profile"): ({}, ALL),
    ("post", "/profile/sessions/{session}/end"): ({}, [404] * 7 + [LOGIN]),  # one ends one's own sessions only
    ("post", "/profile/tokens"): ({"name": "mine", "scopes": "read", "days": "30"}, ALL),
    ("post", "/tokens/{token}/rotate"): ({"grace_hours": "0", "stamp": ""}, [404] * 3 + [200, 200, 403, 404, LOGIN]),
    ("post", "/tokens/{token}/revoke"): ({}, [404] * 3 + [302, 302, 403, 404, LOGIN]),
    ("get", "/tenants/{tenant}/automation"): ({}, ADMINS_SEE),
    ("post", "/tenants/{tenant}/automation/new"): ({"name": "cd", "role": "viewer"}, ADMINS_CHANGE),
    ("post", "/tenants/{tenant}/automation/{account}/change"): ({"disabled": "1"}, ADMINS_CHANGE),
    ("post", "/tenants/{tenant}/automation/{account}/delete"): ({}, ADMINS_CHANGE),
    ("post", "/tenants/{tenant}/automation/{account}/tokens"): (
        {"name": "its", "scopes": "read", "days": "30"}, [403] * 3 + [200, 200, 403, 404, LOGIN],
    ),
    ("post", "/profile/sessions/end-others"): ({}, [302] * 7 + [LOGIN]),
    ("get", "/accounts/device/"): ({}, ALL),
    ("post", "/accounts/device/"): ({"code": "BBBB-BBBB"}, [422] * 7 + [LOGIN]),
    ("get", "/accounts/security/"): ({}, ALL),
    ("get", "/accounts/security/app/"): ({}, ALL),
    ("post", "/accounts/security/app/"): ({"code": "000000"}, ALL),
    ("get", "/accounts/security/app/remove/"): ({}, ABSENT),
    ("post", "/accounts/security/app/remove/"): ({}, ABSENT),
    ("get", "/accounts/security/keys/"): ({}, ALL),
    ("post", "/accounts/security/keys/"): ({"credential": "{{}}"}, ALL),
    ("get", "/accounts/security/keys/{key}/"): ({}, ABSENT),  # of somebody else
    ("post", "/accounts/security/keys/{key}/"): ({"name": "mine"}, ABSENT),
    ("get", "/accounts/security/keys/{key}/remove/"): ({}, ABSENT),
    ("post", "/accounts/security/keys/{key}/remove/"): ({}, ABSENT),
    ("get", "/accounts/security/codes/"): ({}, ABSENT),
    ("get", "/accounts/security/codes/new/"): ({}, ALL),
    ("post", "/accounts/security/codes/new/"): ({}, ALL),  # refused: there is no factor to recover
    ("post", "/accounts/sso/{linked}/unlink/"): ({}, ABSENT),
    ("get", "/tenants"): ({}, ALL),
    ("post", "/tenants"): ({"slug": "new", "name": "New"}, RUN),
    ("get", "/tenants/{tenant}"): ({}, SEEN),
    ("post", "/tenants/{tenant}/rename"): ({"name": "canary 2"}, [403] * 4 + [302, 403, 404, LOGIN]),
    ("post", "/tenants/{tenant}/archive"): ({}, [403] * 4 + [409, 403, 404, LOGIN]),  # allowed, but it has clusters
    ("post", "/tenants/{tenant}/restore"): ({}, [403] * 4 + [409, 403, 404, LOGIN]),  # allowed, but it is not archived
    ("get", "/tenants/{tenant}/members"): ({}, SEEN),
    ("post", "/tenants/{tenant}/members/give"): ({"username": "{newcomer}", "role": "viewer"}, ADMINS),
    ("get", "/tenants/{tenant}/members/suggestions?username=ca"): ({}, [403] * 3 + [200, 200, 403, 404, LOGIN]),
    ("post", "/tenants/{tenant}/members/{member}/withdraw"): ({}, ADMINS),
    ("get", "/tenants/{tenant}/members/{holder}/why"): ({}, [403] * 3 + [200, 200, 200, 404, LOGIN]),
    ("post", "/tenants/{tenant}/groups/map"): ({"group_dn": "cn=a,dc=b", "role": "viewer"}, ADMINS),
    ("post", "/tenants/{tenant}/groups/{mapping}/unmap"): ({}, ADMINS),
    ("get", "/profile/roles"): ({}, ALL),
    ("get", "/platform/people"): ({}, LOOKED_INTO),
    ("get", "/platform/people/{person}"): ({}, LOOKED_INTO),
    ("post", "/platform/people/{person}/deactivate"): ({"reason": "left"}, RUN),
    ("post", "/platform/people/{person}/reactivate"): ({}, [403] * 4 + [409, 403, 403, LOGIN]),  # is active
    ("post", "/platform/people/{person}/end-sessions"): ({}, RUN),
    ("post", "/platform/people/{person}/reset-factors"): ({"reason": "lost phone"}, RUN),
    ("post", "/platform/people/{person}/roles"): ({"role": "auditor"}, RUN),
    ("post", "/platform/people/{person}/roles/{grant}/withdraw"): ({}, RUN),
    ("post", "/platform/groups/map"): ({"group_dn": "cn=a,dc=b", "role": "auditor"}, RUN),
    ("post", "/platform/groups/{platform_mapping}/unmap"): ({}, RUN),
    **of_directories.PAGES,
    **of_emergency.PAGES,
    **of_images.PAGES,
    **of_notices.PAGES,
    **of_people.PAGES,
    **of_approvals.PAGES,
    ("get", "/search?q=canary"): ({}, ALL),
    ("get", "/audit"): ({}, AUDITS),
    ("post", "/audit/export"): ({"form": "csv"}, AUDITS),
    ("get", "/badges"): ({}, ALL),
}  # fmt: skip


def ask(world: dict[str, Any], call: tuple[str, str], user: Any, **headers: str) -> Any:
    method, path = call
    fields = {name: value.format(**world) for name, value in TABLE[call][0].items()}
    return getattr(browser_of(user), method)(path.format(**world), fields or None, headers=headers)


@pytest.mark.parametrize("call", TABLE, ids=" ".join)
def test_the_table(world: dict[str, Any], call: tuple[str, str], subtests: pytest.Subtests) -> None:
    people = {who: person(who, world["row"]) for who in WHO}
    before = snapshot()
    for (who, user), expected in zip(people.items(), TABLE[call][1], strict=True):
        with subtests.test(who=who), undone():
            body = assert_answered(world, call, user, expected, before)
            if who in {"foreign", "nobody"}:
                assert_kept_out(untyped(body, call[1].format(**world)))


def untyped(body: bytes, path: str) -> bytes:
    """Return a page without what one has typed oneself: its address, and what one searched for."""
    own = [path, path.partition("?")[0], quote(path), quote(path.partition("?")[0], safe=""), 'value="canary"']
    for text in sorted(own, key=len, reverse=True):
        body = body.replace(text.encode(), b"")
    return body


def assert_answered(world: dict[str, Any], call: tuple[str, str], user: Any, expected: int, before: list[Any]) -> bytes:
    answer = ask(world, call, user)
    if expected == LOGIN:
        assert answer.headers["Location"].startswith(settings.LOGIN_URL)
        assert ask(world, call, user, **{"HX-Request": "true"}).status_code == LOGIN
    else:
        assert answer.status_code == expected, answer.content
        assert not answer.headers.get("Location", "").startswith(settings.LOGIN_URL)
    assert expected in {200, 302} or snapshot() == before, "a refusal must leave nothing"
    assert call[0] != "get" or snapshot() == before, "looking must change nothing"
    return body_of(answer)


@pytest.mark.parametrize("call", [call for call in TABLE if "{" in call[1]], ids=" ".join)
def test_roles_do_not_add_up(world: dict[str, Any], call: tuple[str, str]) -> None:
    """Who only looks here may do no more for being an administrator elsewhere."""
    assert_roles_do_not_add_up(world, lambda user: ask(world, call, user), TABLE[call][1][WHO.index("viewer")])


def test_whether_a_name_is_taken_is_told_to_members_only(world: dict[str, Any]) -> None:
    call = f"/clusters/new/name?name=canary-cluster&tenant={world['tenant']}"
    taken = browser_of(person("operator", world["row"])).get(call).content
    unsaid = browser_of(person("foreign", world["row"])).get(call).content
    assert b"already" in taken
    assert b"already" not in unsaid
