"""Second factors in a real browser: an authenticator app, a security key, recovery codes, and proving who one is."""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.utils import timezone
from playwright.sync_api import Page

from tests.browser.conftest import LOOKS, Visitor, axe, until

PASSWORD = "Break-glass-2026-now"


@pytest.fixture
def admin(portal: Any) -> str:
    """Make a local administrator without a second factor; return the name."""
    secret = portal.root / "run" / "glass"
    secret.write_text(PASSWORD)
    portal.manage("create_local_admin", "glass", "--password-file", str(secret))
    portal.manage("reset_second_factor", "glass", "--reason", "a test begins")
    return "glass"


@pytest.fixture
def local(visitor: Visitor) -> Iterator[Page]:
    """Return a page at localhost, which WebAuthn needs, with a key plugged in."""
    visitor.portal.url = visitor.portal.url.replace("127.0.0.1", "localhost")
    page = visitor.page(None)
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "usb", "hasUserVerification": True, "isUserVerified": True}
    session.send("WebAuthn.addVirtualAuthenticator", {"options": {**options, "automaticPresenceSimulation": True}})
    yield page
    visitor.portal.url = visitor.portal.url.replace("localhost", "127.0.0.1")


def sign_in(visitor: Visitor, page: Page, name: str) -> None:
    visitor.open(page, "/accounts/login/?next=/accounts/security/")
    page.fill("#login", name)
    page.fill("#password", PASSWORD)
    page.click("button.pri")
    page.wait_for_load_state()


def code_of(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(timezone.now().timestamp()) // 30)))


def test_an_app_is_added_and_then_asked_for(visitor: Visitor, admin: str) -> None:
    page = visitor.page(None)
    sign_in(visitor, page, admin)
    assert axe(page) == []
    page.click("a[href$='/security/app/']")
    assert axe(page) == []
    secret = page.inner_text(".copy pre")
    page.fill("#code", "000000")
    page.click("form .pri")
    assert page.locator("#refused").is_visible()
    assert page.inner_text(".copy pre") == secret, "the key that was scanned stays"
    page.fill("#code", code_of(secret))
    page.click("form .pri")
    page.wait_for_url("**/security/codes/")
    codes = page.inner_text(".copy pre").split()
    assert len(codes) == 10
    assert axe(page) == []
    page.click("text=I have kept them")
    page.click("[aria-label^=Account].ico, [popovertarget=account-menu]")
    page.click("#account-menu button")
    sign_in(visitor, page, admin)
    assert page.url.endswith("/accounts/authenticate/")
    assert axe(page) == []
    page.click(".lang [value=zh-hans]")
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    page.fill("#code", codes[0])
    page.click("button.pri")
    page.wait_for_url("**/accounts/security/")


def test_a_security_key_is_added_and_then_asked_for(visitor: Visitor, admin: str, local: Page) -> None:
    sign_in(visitor, local, admin)
    local.click("a[href$='/security/keys/']")
    local.fill("#name", "My blue key")
    assert axe(local) == []
    local.click("form .pri")
    local.wait_for_url("**/security/codes/")
    visitor.open(local, "/accounts/security/")
    assert "My blue key" in local.inner_text("main")
    assert axe(local) == []
    local.click("[popovertarget=account-menu]")
    local.click("#account-menu button")
    sign_in(visitor, local, admin)
    assert local.url.endswith("/accounts/authenticate/")
    local.click("form:has([data-key]) button")
    local.wait_for_url("**/accounts/security/")
    local.click("text=Remove")
    local.click("button.danger")
    local.wait_for_url("**/accounts/security/")
    assert "My blue key" not in local.inner_text("main")


OLD = """
import time
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from tenants.models import User
admin = str(User.objects.get(username="glass").pk)  # everybody else's session stays fresh for other tests
for row in Session.objects.all():
    store = SessionStore(row.session_key)
    if store.get("_auth_user_id") != admin:
        continue
    for record in store.get("account_authentication_methods", []):
        record["at"] = time.time() - 3600
    store.save()
"""


def test_a_sensitive_form_asks_in_a_dialog_and_goes_as_typed(visitor: Visitor, admin: str) -> None:
    page = visitor.page(None)
    sign_in(visitor, page, admin)
    visitor.open(page, "/profile")
    page.click("#tokens header button")
    page.fill("dialog[open] [name=name]", "typed before")
    visitor.portal.run(OLD)
    page.click("dialog[open] form button[type=submit]")
    until(page, lambda: page.locator("#step-up[open]").count(), "the dialog asks")
    assert axe(page) == []
    page.fill("#step-up [name=password]", "wrong")
    page.click("#step-up .pri")
    until(page, lambda: page.locator("#step-up #refused").count(), "the dialog refuses")
    page.fill("#step-up [name=password]", PASSWORD)
    page.click("#step-up .pri")
    until(page, lambda: "pks_" in page.content() and not page.locator("#step-up").count(), "the token is shown")
    assert "typed before" in page.inner_text("main")


@pytest.mark.parametrize(("lang", "theme", "width"), LOOKS)
def test_its_pages_are_accessible(visitor: Visitor, admin: str, lang: str, theme: str, width: int) -> None:
    page = visitor.page(None, lang=lang, theme=theme, width=width)
    sign_in(visitor, page, admin)
    found = {}
    for path in ("", "app/", "keys/"):
        visitor.open(page, f"/accounts/security/{path}")
        found[path] = [*axe(page), *_too_wide(page)]
    visitor.portal.run(OLD)
    visitor.open(page, "/accounts/security/app/")
    found["confirm"] = [*axe(page), *_too_wide(page)]
    assert not any(found.values()), found


def _too_wide(page: Page) -> list[str]:
    over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"too wide by {over}"] if over > 0 else []
