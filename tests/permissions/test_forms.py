"""Every form that changes something: sent after the session has ended, without its token, and twice."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from clusters.models import Cluster
from pks_portal.operations.models import Operation
from tests.permissions import of_approvals, of_directories, of_emergency, of_images, of_notices, test_open
from tests.permissions.checks import snapshot, undone
from tests.permissions.people import BACKEND, browser_of, person
from tests.permissions.test_pages import TABLE

FORMS = [path for method, path in TABLE if method == "post"]
OPEN_FORMS = [path for method, path in test_open.TABLE if method == "post" and not path.startswith("/oauth")]


def fields_of(world: dict[str, Any], path: str) -> dict[str, str]:
    return {name: value.format(**world) for name, value in TABLE["post", path][0].items()}


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "htmx"])
def test_an_expired_session_sends_to_the_sign_in_and_does_nothing(
    world: dict[str, Any], headers: dict[str, str], subtests: pytest.Subtests
) -> None:
    client = browser_of(person("admin", world["row"]))
    client.session.flush()
    before = snapshot()
    page = {"Referer": "http://testserver/clusters?q=a"}
    for path in FORMS:
        with subtests.test(path=path), undone():
            answer = client.post(path.format(**world), fields_of(world, path), headers=headers | page)
            assert snapshot() == before
            if headers:
                assert answer.status_code == 401, "the page stays, with what was typed"
            else:
                assert answer.headers["Location"] == f"{settings.LOGIN_URL}?next=/clusters%3Fq%3Da"


@pytest.mark.parametrize("page", ["", "http://evil.example/clusters", "javascript:alert(1)"])
def test_signing_in_again_leads_to_no_foreign_page(world: dict[str, Any], page: str) -> None:
    answer = Client().post(f"/clusters/{world['cluster']}/scale", {"nodes": "5"}, headers={"Referer": page})
    assert answer.headers["Location"] == f"{settings.LOGIN_URL}?next=/"


def test_a_form_without_its_token_does_nothing(world: dict[str, Any], subtests: pytest.Subtests) -> None:
    client = Client(enforce_csrf_checks=True)
    user = person("admin", world["row"])
    assert user is not None
    client.force_login(user, backend=BACKEND)
    before = snapshot()
    for path in [*FORMS, *OPEN_FORMS]:
        with subtests.test(path=path), undone():
            answer = client.post(path.format(**world), {"any": "thing"})
            assert answer.status_code == 403
            assert "too old" in answer.content.decode()
            assert snapshot() == before


# what sending it a second time comes to: as if it had been sent once, or a refusal that says why
TWICE = {
    "/clusters/new": (302, "new"),
    "/clusters/{cluster}/scale": (302, "new"),
    "/clusters/{cluster}/labels": (302, ""),
    "/clusters/{cluster}/delete": (302, "new"),
    "/clusters/{cluster}/kubeconfigs": (409, ""),  # a simulated cluster has none; the real one: tests/browser
    "/kubeconfigs/new": (409, ""),
    "/kubeconfigs/revoke": (302, ""),
    "/versions/1.37.2/prepare": (403, ""),
    "/tasks/{task}/cancel": (302, ""),
    "/tasks/{task}/retry": (409, ""),
    "/tasks/{task}/force": (409, ""),
    "/tasks/{failed}/cancel": (409, ""),
    "/tasks/{failed}/force": (409, ""),
    "/tasks/{failed}/retry": (302, "new"),
    "/tasks/{platform}/cancel": (404, ""),
    "/tasks/{platform}/force": (404, ""),
    "/tasks/{platform}/retry": (404, ""),
    "/profile/sessions/{session}/end": (404, ""),
    "/profile/sign-ins/{sign_in}/end": (404, ""),
    "/tenants": (403, ""),
    "/tenants/{tenant}/rename": (403, ""),
    "/tenants/{tenant}/archive": (403, ""),
    "/tenants/{tenant}/restore": (403, ""),
    "/tenants/{tenant}/members/give": (302, ""),
    "/tenants/{tenant}/members/{member}/withdraw": (302, ""),
    "/tenants/{tenant}/groups/map": (302, ""),
    "/tenants/{tenant}/groups/{mapping}/unmap": (302, ""),
    "/platform/people/{person}/deactivate": (403, ""),
    "/platform/people/{person}/reactivate": (403, ""),
    "/platform/people/{person}/end-sessions": (403, ""),
    "/platform/people/{person}/reset-factors": (403, ""),
    "/platform/people/{person}/roles": (403, ""),
    "/platform/people/{person}/roles/{grant}/withdraw": (403, ""),
    "/platform/groups/map": (403, ""),
    "/platform/groups/{platform_mapping}/unmap": (403, ""),
    "/profile/sessions/end-others": (302, ""),
    **of_directories.TWICE,
    **of_emergency.TWICE,
    **of_notices.TWICE,
    **of_approvals.TWICE,
    **of_images.TWICE,
    "/accounts/device/": (422, ""),
    "/accounts/security/app/": (200, ""),
    "/accounts/security/app/remove/": (404, ""),
    "/accounts/security/keys/": (200, ""),
    "/accounts/security/keys/{key}/": (404, ""),
    "/accounts/security/keys/{key}/remove/": (404, ""),
    "/accounts/security/codes/new/": (200, ""),
    "/accounts/sso/{linked}/unlink/": (404, ""),
    "/tenants/{tenant}/automation/new": (302, ""),
    "/tenants/{tenant}/automation/{account}/change": (302, ""),
    "/tenants/{tenant}/automation/{account}/delete": (302, ""),
    "/tenants/{tenant}/automation/{account}/tokens": (200, ""),
    "/profile/tokens": (200, ""),
    "/tokens/{token}/rotate": (200, ""),
    "/tokens/{token}/revoke": (302, ""),
    "/audit/export": (200, ""),
}
SAID_INSTEAD = {
    **of_notices.SAID_INSTEAD,
    **of_approvals.SAID_INSTEAD,
    **of_images.SAID_INSTEAD,
    "/tenants/{tenant}/groups/map": {422},  # it is there
    "/tenants/{tenant}/automation/new": {409},
    "/tenants/{tenant}/automation/{account}/delete": {404},
    "/tenants/{tenant}/automation/{account}/tokens": {409},
    "/profile/tokens": {409},
    "/tokens/{token}/rotate": {409},
    "/tokens/{token}/revoke": {404},
    "/tasks/{failed}/retry": {409},
    "/tasks/{task}/cancel": {302, 409},
}


def test_every_form_is_sent_twice() -> None:
    assert set(TWICE) == set(FORMS)


@pytest.mark.parametrize("path", FORMS)
def test_a_double_click_does_it_once(world: dict[str, Any], path: str) -> None:
    client = browser_of(person("admin", world["row"]))
    fields = {**fields_of(world, path), "key": "the-form-s-own"}
    expected, made = TWICE[path]
    tasks, clusters = Operation.objects.count(), Cluster.objects.count()
    first = client.post(path.format(**world), fields)
    assert first.status_code == expected, first.content
    after = snapshot()
    second = client.post(path.format(**world), fields)
    assert second.status_code in SAID_INSTEAD.get(path, {expected}), second.content
    if second.status_code == 302:
        assert second.headers["Location"] == first.headers["Location"]
    assert snapshot() == after
    assert Operation.objects.count() == tasks + (made == "new")
    assert Cluster.objects.count() == clusters + (path == "/clusters/new")
