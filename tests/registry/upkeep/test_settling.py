"""A process that dies in the middle of a push leaves nothing wrong: the registry says which way it went."""

from datetime import timedelta

import pytest
from django.db.models import F

from pks_portal.errors import Unavailable
from registry import quota, removing
from registry.models import Artifact, Project, Push, Tag
from registry.upkeep import settling
from tenants.models import AuditEntry, Reservation
from tests.factories import MembershipFactory
from tests.registry.pushing import Pusher

pytestmark = pytest.mark.django_db


def age(minutes: int = 3) -> None:
    """Let what was begun be older."""
    Push.objects.update(started_at=F("started_at") - timedelta(minutes=minutes))


def assert_exact(project: Project) -> None:
    """What is counted is what the rows say, and nothing more."""
    project.refresh_from_db()
    parts = {
        part.blob_id: part.blob.size for row in Artifact.objects.all() for part in row.parts.select_related("blob")
    }
    assert project.used == sum(parts.values())
    reserved = Reservation.objects.get(subject=project.tenant.opaque).amount
    assert reserved == quota._gib(project.used)


def test_died_before_the_registry_had_it(pusher: Pusher, project: Project) -> None:
    pusher.begin("1.0", pusher.manifest(pusher.layout.image({"a": "b"})))
    assert settling.settle() == settling.Settled(), "it may still be under way"
    age()
    assert settling.settle() == settling.Settled(abandoned=1)
    assert not Push.objects.exists()
    assert not Artifact.objects.exists()
    assert_exact(project)


def test_died_after_the_registry_had_it(pusher: Pusher, project: Project) -> None:
    pusher.keep("1.0", pusher.manifest(pusher.layout.image({"a": "b"})))
    age()
    assert settling.settle() == settling.Settled(finished=1)
    assert settling.settle() == settling.Settled()
    artifact = Tag.objects.get(name="1.0").artifact
    assert artifact.architecture == "amd64", "its configuration was read"
    assert artifact.config["history"]
    assert AuditEntry.objects.filter(action="registry.push").count() == 1
    assert not Push.objects.exists()
    assert_exact(project)


def test_a_killed_registry_is_asked_again(pusher: Pusher, project: Project) -> None:
    pusher.keep("1.0", pusher.manifest(pusher.layout.image({"a": "b"})))
    pusher.server.kill()
    age()
    with pytest.raises(Unavailable):
        settling.settle()
    assert Push.objects.exists()
    pusher.server.start()
    assert settling.settle() == settling.Settled(finished=1)
    assert_exact(project)


def test_a_later_push_of_the_tag_wins(pusher: Pusher, project: Project) -> None:
    first = pusher.manifest(pusher.layout.image({"a": "first"}))
    pusher.keep("1.0", first)
    second = pusher.image("1.0", a="second")
    age()
    assert settling.settle() == settling.Settled(finished=1)
    assert Tag.objects.get(name="1.0").artifact == second
    assert Artifact.objects.get(digest=first.digest).tags.count() == 0
    assert_exact(project)


def test_what_was_deleted_since_stays_deleted(pusher: Pusher, project: Project) -> None:
    manifest = pusher.manifest(pusher.layout.image({"a": "b"}))
    pusher.keep("1.0", manifest)
    admin = MembershipFactory.create(tenant=project.tenant, role="admin").user
    removing.artifact(admin, pusher.push("2.0", manifest))
    age()
    assert settling.settle() == settling.Settled(abandoned=1)
    assert not Artifact.objects.exists()
    assert_exact(project)


def test_deleted_twice_stays_deleted(pusher: Pusher, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    admin = MembershipFactory.create(tenant=project.tenant, role="admin").user
    manifest = pusher.manifest(pusher.layout.image({"a": "b"}))
    removing.artifact(admin, pusher.push("1.0", manifest))
    pusher.keep("1.0", manifest)
    removing.artifact(admin, pusher.push("1.0", manifest))
    monkeypatch.setattr(settling, "LEFT_AFTER", timedelta())
    assert settling.settle() == settling.Settled(abandoned=1)
    assert not Artifact.objects.exists()
    assert_exact(project)
