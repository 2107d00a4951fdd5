"""The pages of upkeep: an artifact is copied from its page, storage is collected and compared from the platform's."""

import html
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from pks_portal.operations.models import Operation
from registry import removing
from registry.models import Collection, Project, Tag
from tenants.models import PlatformRole, User
from tests.factories import MembershipFactory, PlatformGrantFactory, TenantFactory, UserFactory
from tests.permissions.people import browser_of
from tests.registry.pushing import Pusher

Work = Callable[[], None]
STORAGE = "/platform/image-storage"


@pytest.fixture
def root(transactional_db: None) -> User:
    user = UserFactory.create(username="root")
    PlatformGrantFactory.create(user=user, role=PlatformRole.PLATFORM_ADMIN)
    return user


@pytest.fixture
def other(transactional_db: None) -> Project:
    return Project.objects.create(tenant=TenantFactory.create(slug="bank"), name="bank")


def test_an_artifact_is_copied_from_its_page(pusher: Pusher, other: Project) -> None:
    original = pusher.image("1.0")
    reader = MembershipFactory.create(tenant=pusher.project.tenant, role="viewer").user
    page = f"/images/shop/web@{original.digest}"
    assert "There is no project that you may push to." in browser_of(reader).get(page).content.decode()
    MembershipFactory.create(tenant=other.tenant, user=reader, role="developer")
    browser = browser_of(reader)
    assert 'value="bank/web"' in browser.get(page).content.decode()
    form = f"/registry/copy/shop/web@{original.digest}"
    refused = browser.post(form, {"repository": "nowhere/web", "tag": "9.9"})
    assert (refused.status_code, "data-open" in refused.content.decode()) == (400, True)
    assert 'value="nowhere/web"' in refused.content.decode()
    assert 'value="9.9"' in refused.content.decode()
    done = browser.post(form, {"repository": "bank/web", "tag": "9.9"})
    assert done.headers["Location"] == "/images/bank/web:9.9"
    assert browser.get("/images/bank/web:9.9").status_code == 200
    assert Tag.objects.get(name="9.9").artifact.digest == original.digest


def test_storage_is_collected_from_its_page(work: Work, pusher: Pusher, root: User) -> None:
    removing.artifact(root, pusher.image("1.0"))
    browser = browser_of(root)
    shown = browser.get(STORAGE).content.decode()
    assert str(pusher.server.root) in shown
    assert "Nothing was ever collected." in shown
    went = browser.post("/registry/collections", {"do": "dry"})
    assert went.headers["Location"] == f"/tasks/{Collection.objects.get().task}"
    refused = browser.post("/registry/collections", {"do": "collect"})
    assert (refused.status_code, "Follow it" in refused.content.decode()) == (409, True)
    work()
    row = Collection.objects.get()
    assert row.would_free
    assert "would go" in browser.get(STORAGE).content.decode()
    browser.post("/registry/collections", {"do": "collect"})
    work()
    assert Collection.objects.latest("started_at").freed == row.would_free


def test_a_comparison_that_was_braked_can_be_made_past_it(pusher: Pusher, root: User) -> None:
    browser = browser_of(root)
    assert "Past the brake" not in browser.get(STORAGE).content.decode()
    browser.post("/registry/reconciliations", {})
    task = Operation.objects.get(kind="registry.reconcile")
    assert task.wanted == {"forced": False}
    task.status, task.ended_at = Operation.Status.FAILED, timezone.now() - timedelta(minutes=1)
    task.error_key, task.error_args = "error.reconcile_brake", {"lost": 40, "all": 90}
    task.save()
    shown = html.unescape(browser.get(STORAGE).content.decode())
    assert "The registry lacks 40 of 90 artifacts." in shown
    assert "Past the brake" in shown
    browser.post("/registry/reconciliations", {"do": "force"})
    assert Operation.objects.latest("created_at").wanted == {"forced": True}
