"""What webhooks and people are told of images and of wishes for exceptions: once, of the projects they want."""

import json
from typing import Any

import pytest

from pks_portal.errors import Invalid
from registry import exceptions, followed, removing
from registry.models import Project
from registry.scanning import scans
from registry.scanning.tasks import failed, succeeded
from tenants.models import Delivery, Notice, Webhook
from tenants.notices import webhooks
from tenants.notices.kinds import kinds
from tests.factories import MembershipFactory
from tests.registry.pushing import Pusher

pytestmark = pytest.mark.django_db
URL = "https://hooks.example.com/{}"


@pytest.fixture
def hook(project: Project, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes a webhook of the tenant."""
    monkeypatch.setattr("pks_portal.outside.check", lambda _url: None)
    actor = MembershipFactory.create(tenant=project.tenant, role="admin").user

    def make(name: str = "all", **wish: Any) -> Webhook:
        return webhooks.create(actor, project.tenant, url=URL.format(name), **{"kinds": [], **wish})[0]

    return make


def bodies(webhook: Webhook) -> list[dict[str, Any]]:
    return [json.loads(row.body) for row in Delivery.objects.filter(webhook=webhook).order_by("created_at", "pk")]


def pushed(pusher: Pusher, tag: str, **files: str) -> Any:
    """Push an image as the gateway does, with what follows."""
    push = pusher.keep(tag, pusher.manifest(pusher.layout.image(files)))
    from registry import recording

    artifact = recording.finish(push, pusher.manifest(pusher.layout.image(files)), {})
    followed.pushed(artifact, push)
    return artifact


def test_a_push_and_a_deletion_are_told_with_what_one_needs(pusher: Pusher, hook: Any) -> None:
    webhook = hook(kinds=["image.pushed", "image.deleted", "image.untagged"])
    artifact = pushed(pusher, "1.0", hello="world")
    (told,) = bodies(webhook)
    assert (told["kind"], told["tenant"], told["to"]) == ("image.pushed", "shop", [])
    facts = told["facts"]
    assert (facts["image"], facts["digest"], facts["tag"], facts["by"]) == ("shop/web", artifact.digest, "1.0", "li.na")
    assert told["link"].endswith(f"/images/shop/web@{artifact.digest}")
    actor = MembershipFactory.create(tenant=pusher.project.tenant, role="admin").user
    removing.artifact(actor, artifact)
    assert [one["kind"] for one in bodies(webhook)] == ["image.pushed", "image.deleted"]
    assert bodies(webhook)[1]["facts"]["tags"] == ["1.0"]
    assert not Notice.objects.filter(kind__startswith="image.").exists(), "people have the page"


def test_a_webhook_hears_once_of_a_repository_with_all_that_was_in_it(pusher: Pusher, hook: Any) -> None:
    Project.objects.create(tenant=pusher.project.tenant, name="other")
    webhook, narrow = hook(), hook("other", projects=["other"])
    artifact = pusher.image("1.0", a="b")
    pusher.image("2.0", c="d")
    removing.repository(MembershipFactory.create(tenant=pusher.project.tenant, role="admin").user, artifact.repository)
    (body,) = bodies(webhook)
    assert (body["kind"], body["facts"]["image"], body["facts"]["artifacts"]) == (
        "image.repository_deleted", "shop/web", 2,
    )  # fmt: skip
    assert body["link"].endswith("/images/shop"), "the repository's own page is gone"
    assert not bodies(narrow)
    assert not Notice.objects.filter(kind__startswith="image.").exists()


def test_a_webhook_hears_of_the_projects_it_wants(pusher: Pusher, hook: Any, project: Project) -> None:
    Project.objects.create(tenant=project.tenant, name="other")
    here, there, everywhere = hook("here", projects=["shop"]), hook("there", projects=["other"]), hook()
    pushed(pusher, "1.0", a="b")
    assert [len(bodies(one)) > 0 for one in (here, there, everywhere)] == [True, False, True]
    with pytest.raises(Invalid) as refused:
        hook("strange", projects=["of another tenant"])
    assert refused.value.field == "projects"


def test_the_end_of_a_scan_is_told_with_its_counts(pusher: Pusher, hook: Any) -> None:
    webhook = hook(kinds=["image.scanned", "image.scan_failed"])
    artifact = pusher.image("1.0", a="b")
    task = scans.begin(artifact, None)
    succeeded(task)
    failed(task, Invalid("error.not_scannable"))
    assert [one["kind"] for one in bodies(webhook)] == ["image.scanned", "image.scan_failed"]
    assert bodies(webhook)[0]["facts"]["critical"] == 0


def test_a_wish_is_told_to_who_decides_and_its_end_to_who_asked(project: Project) -> None:
    asks = MembershipFactory.create(tenant=project.tenant, role="developer").user
    decides = MembershipFactory.create(tenant=project.tenant, role="admin").user
    row = exceptions.ask(asks, project, exceptions.Wish("CVE-2024-1", "not reachable", 5))
    assert [notice.user for notice in Notice.objects.filter(kind="exception.asked")] == [decides]
    exceptions.decide(decides, row, approve=True, comment="until the next release")
    (notice,) = Notice.objects.filter(kind="exception.approved")
    assert notice.user == asks
    assert "until the next release" in notice.text


def test_people_choose_no_mail_of_what_only_programs_hear() -> None:
    assert not [kind for kind in kinds(for_people=True) if kind.code.startswith("image.")]
    assert "image.pushed" in {kind.code for kind in kinds(of_tenants=True)}
