"""Pages of webhooks without a browser: where they are found, and what they never show again."""

from typing import Any

import pytest

from pks_portal import sealed
from tenants.models import Role, Webhook
from tests.factories import MembershipFactory, PlatformGrantFactory
from tests.permissions.people import browser_of

pytestmark = pytest.mark.django_db
URL = "https://hook.example/secret-path"


@pytest.fixture
def made() -> tuple[Any, Any, str]:
    """Return (an administrator's browser, their tenant, the secret as the page showed it)."""
    admin = MembershipFactory.create(role=Role.ADMIN)
    client = browser_of(admin.user)
    shown = client.post(f"/tenants/{admin.tenant.slug}/webhooks/new", {"url": URL})
    assert shown.headers["Cache-Control"] == "no-store"
    secret = sealed.get(Webhook.objects.get(), "secret")
    assert secret in shown.content.decode()
    return client, admin.tenant, secret


def test_a_tenants_are_a_tab_and_the_platforms_a_menu_entry(made: tuple[Any, Any, str]) -> None:
    client, tenant, _ = made
    page = client.get(f"/tenants/{tenant.slug}/webhooks").content.decode()
    assert f'<a href="/tenants/{tenant.slug}/webhooks" aria-current="page">' in page
    assert '"/platform/webhooks"' not in page
    chief = browser_of(PlatformGrantFactory.create().user)
    assert '<a href="/platform/webhooks" aria-current="page">' in chief.get("/platform/webhooks").content.decode()


def test_the_secret_is_on_no_page_afterwards(made: tuple[Any, Any, str]) -> None:
    client, tenant, secret = made
    hook = Webhook.objects.get()
    for path in (f"/webhooks/{hook.pk}", f"/tenants/{tenant.slug}/webhooks", f"/api/v1/webhooks/{hook.pk}"):
        answer = client.get(path)
        assert (answer.status_code, secret in answer.content.decode()) == (200, False)
    assert "secret-path" not in client.get("/audit").content.decode()


def test_a_form_that_saw_the_old_secret_makes_no_new_one(made: tuple[Any, Any, str]) -> None:
    client, _, _ = made
    hook = Webhook.objects.get()
    path, form = f"/webhooks/{hook.pk}/secret", {"stamp": hook.stamp}
    assert client.post(path, form).status_code == 200
    second = client.post(path, form, headers={"HX-Request": "true"})
    assert (second.status_code, b'id="renew-secret-errors"' in second.content) == (409, True)


def test_what_is_refused_stays_in_the_form(made: tuple[Any, Any, str]) -> None:
    client, _, _ = made
    hook = Webhook.objects.get()
    answer = client.post(f"/webhooks/{hook.pk}/change", {"url": "http://a@b/", "kinds": ["quota.requested"]})
    assert answer.status_code == 400
    assert 'value="http://a@b/"' in answer.content.decode()
    hook.refresh_from_db()
    assert (hook.url, hook.kinds) == (URL, [])


@pytest.mark.django_db(transaction=True)
def test_an_outage_of_the_broker_undoes_nothing(made: tuple[Any, Any, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Queueing only makes it quick: when it fails, the deed stands and the sweep finds the row."""
    from tenants.notices import delivering

    client, _, _ = made
    hook = Webhook.objects.get()

    def fail(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(delivering, "queue", fail)
    assert client.post(f"/webhooks/{hook.pk}/test").status_code == 302
    assert hook.deliveries.get().status == "waiting"
