"""Garbage collection with the real registry: what was deleted is gone from disk, what is needed stays."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from pks_portal.errors import Conflict, Unavailable
from pks_portal.operations import runner
from pks_portal.operations.models import Operation
from registry import holds, removing
from registry.models import Artifact, Blob, Collection, Project, PushHold, Removed
from registry.upkeep import collecting, reconciling, sweeping
from tests.factories import MembershipFactory, PlatformGrantFactory
from tests.registry.pushing import Pusher

Work = Callable[[], None]
LARGE = "x" * 100


@pytest.fixture
def admin(transactional_db: None) -> Any:
    return PlatformGrantFactory.create().user


@pytest.fixture(autouse=True)
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare each collection the two seconds."""
    monkeypatch.setattr(collecting, "CALM", timedelta(milliseconds=50))


def delete(project: Project, artifact: Artifact) -> None:
    removing.artifact(MembershipFactory.create(tenant=project.tenant, role="admin").user, artifact)


def collect(work: Work, admin: Any, *, dry_run: bool = False) -> Collection:
    row = collecting.ask(admin, dry_run=dry_run)
    work()
    row.refresh_from_db()
    return row


def test_frees_what_was_deleted_and_keeps_what_has_no_tag(
    work: Work, pusher: Pusher, project: Project, admin: Any
) -> None:
    kept, going = pusher.image("1.0", a="kept"), pusher.image("2.0", a="going")
    signature, other = pusher.about(kept), pusher.about(going)
    index = pusher.index("many", "amd64", "arm64", attested=True)
    full = pusher.server.size()
    own = sum(part.blob.size for part in [*going.parts.all(), *other.parts.all()])
    shared = set(signature.parts.values_list("blob", flat=True))
    own -= sum(part.blob.size for part in other.parts.all() if part.blob_id in shared)
    delete(project, going)
    would = collect(work, admin, dry_run=True)
    assert (would.would_free, would.manifests, would.freed) == (own, 2, None)
    assert pusher.server.size() == full, "a dry run takes nothing"
    done = collect(work, admin)
    assert Operation.objects.get(pk=done.task).status == "succeeded"
    assert (done.freed, done.manifests, done.error) == (own, 2, "")
    assert pusher.server.size() == full - own
    for artifact in (kept, signature, index, *Artifact.objects.filter(digest__in=index.children.values("digest"))):
        assert pusher.server.has(str(pusher.name), artifact.digest)
        for part in artifact.parts.exclude(blob=artifact.digest):
            assert pusher.server.ask("HEAD", str(pusher.name), f"blobs/{part.blob_id}").status_code == 200
    assert not pusher.server.has(str(pusher.name), going.digest)
    assert not PushHold.objects.exists()
    assert not Removed.objects.exists()
    assert not Blob.objects.filter(parts=None).exists()
    reconciling.begin(None)
    work()
    assert Artifact.objects.count() == 7, "and reconciling finds nothing to change"


def test_pushed_again_is_kept(work: Work, pusher: Pusher, project: Project, admin: Any) -> None:
    manifest = pusher.manifest(pusher.layout.image({"a": "b"}))
    delete(project, pusher.push("1.0", manifest))
    again = pusher.push("1.0", manifest)
    assert collect(work, admin).manifests == 0
    assert pusher.server.has(str(pusher.name), again.digest)


def test_deleted_meanwhile_goes_with_the_next(
    work: Work, pusher: Pusher, project: Project, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete(project, pusher.image("1.0", a="b"))
    late = pusher.image("2.0", c="d")
    swept = sweeping.sweep

    def sweep(still: Any) -> None:
        delete(project, late)
        swept(still)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(sweeping, "sweep", sweep)
        assert collect(work, admin).manifests == 1
    assert pusher.server.has(str(pusher.name), late.digest)
    reconciling.begin(None)
    work()
    assert not Artifact.objects.exists(), "what was deleted does not come back"
    assert collect(work, admin).manifests == 1
    assert not pusher.server.has(str(pusher.name), late.digest)
    assert not Removed.objects.exists()


def test_an_empty_registry_has_nothing_to_free(work: Work, pusher: Pusher, admin: Any) -> None:
    assert collect(work, admin).freed == 0


def test_pushes_wait_and_go_on_afterwards(pusher: Pusher, work: Work, admin: Any) -> None:
    manifest = pusher.manifest(pusher.layout.image({"a": "b"}))
    holder = uuid4()
    since = holds.take(holder)
    with pytest.raises(Unavailable, match="freeing space"):
        pusher.push("1.0", manifest)
    assert holds.take(holder) == since, "renewed, without a gap"
    with pytest.raises(Unavailable):
        holds.take(uuid4())
    PushHold.objects.update(until=timezone.now())  # whoever held it has died
    pusher.push("1.0", manifest)
    assert holds.take(uuid4()) > since, "taken over, and counted from now"


def test_waits_for_a_push_under_way(pusher: Pusher, admin: Any) -> None:
    push = pusher.begin("1.0", pusher.manifest(pusher.layout.image({"a": "b"})))
    holds.take(row := uuid4())
    PushHold.objects.update(since=timezone.now() - timedelta(seconds=30))
    assert not collecting._calm(holds.take(row))
    push.delete()
    assert collecting._calm(holds.take(row))


def test_one_at_a_time(pusher: Pusher, admin: Any) -> None:
    collecting.ask(admin)
    with pytest.raises(Conflict):
        collecting.ask(admin)
    assert Collection.objects.count() == 1


def test_a_worker_that_dies_is_followed_by_another(
    work: Work, pusher: Pusher, project: Project, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete(project, pusher.image("1.0", a="b"))
    full = pusher.server.size()
    row = collecting.ask(admin)

    class Killed(BaseException):
        """What no handler stops, as SIGKILL."""

    def die(_still: Any) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(sweeping, "sweep", die)
        with pytest.raises(Killed):
            runner.run(str(row.task))
    assert PushHold.objects.exists(), "it could not say that it ended"
    assert not Removed.objects.exists(), "the manifests are out already"
    Operation.objects.update(lease_until=timezone.now())
    work()
    row.refresh_from_db()
    assert (row.freed, row.manifests) == (full, 1)
    assert not PushHold.objects.exists()


def test_says_why_it_could_not(work: Work, pusher: Pusher, project: Project, admin: Any, settings: Any) -> None:
    delete(project, pusher.image("1.0", a="b"))
    Path(settings.REGISTRY_CONFIG).write_text("version: 0.1\nstorage: {nothing: {}}\n")
    row = collect(work, admin)
    operation = Operation.objects.get(pk=row.task)
    assert (operation.status, row.error) == ("failed", "error.collect_failed")
    assert "nothing" in operation.error_cause
    assert not PushHold.objects.exists()
