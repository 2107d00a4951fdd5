"""A portal as a company sets it up, in a real browser: an outside provider, and second factors that must be."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import axe, until
from tests.browser.portal import Portal
from tests.tenants.outside import CLIENT, SECRET, Outside

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    provider = Outside()
    provider.person |= {"preferred_username": "ann.lee", "name": "Ann Lee"}
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def company(outside: Outside) -> Iterator[Portal]:
    with tempfile.TemporaryDirectory(prefix="pks-company-", ignore_cleanup_errors=True) as place:
        portal = Portal(Path(place))
        sso = {"ISSUER": outside.issuer, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET, "NAME": "Okta"}
        portal.environment |= {f"PKS_SSO_{name}": value for name, value in sso.items()}
        portal.environment |= {"PKS_SSO_NEWCOMERS": "true", "PKS_MFA_REQUIRED": "platform-admin"}
        try:
            portal.start()
            yield portal
        finally:
            portal.stop()


@pytest.fixture
def page(company: Portal, chromium: Browser) -> Iterator[Page]:
    """Return a page of somebody not signed in; a violation of the policy fails the test."""
    context = chromium.new_context()
    page, complaints = context.new_page(), []
    page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    context.close()
    assert complaints == []


def test_the_button_leads_to_the_provider_and_back(company: Portal, page: Page) -> None:
    page.goto(f"{company.url}/accounts/login/?next=/plans")
    assert axe(page) == []
    page.click("text=Sign in with Okta")
    page.wait_for_url("**/plans")
    assert "Ann Lee" in (page.get_attribute("[popovertarget=account-menu]", "aria-label") or "")
    page.goto(f"{company.url}/accounts/security/")
    assert axe(page) == []
    assert "li.na@corp.example" in page.inner_text("main")


def test_who_must_have_a_second_factor_sees_nothing_before(company: Portal, page: Page) -> None:
    page.context.add_cookies([{"name": "pks_session", "value": company.sessions["zhang.wei"], "url": company.url}])
    page.goto(f"{company.url}/clusters")
    assert page.url.startswith(f"{company.url}/accounts/security/?next=")
    until(page, lambda: page.locator(".note.bad[role=alert]").count(), "it says what is missing")
    assert axe(page) == []
