"""Rows and registry are made to agree: what is lost goes, what is unknown is written down, usage is exact."""

from collections.abc import Callable
from typing import Any

import pytest

from pks_portal.operations.models import Operation
from registry import quota, removing, tasks
from registry.models import Artifact, Project, Tag, TagChange
from registry.upkeep import drift, reconciling
from registry.upkeep.store import Store
from tenants.models import AuditEntry, QuotaLimit, Reservation
from tests.factories import MembershipFactory
from tests.registry.pushing import Pusher
from tests.registry.upkeep.test_settling import assert_exact

Work = Callable[[], None]


def reconcile(work: Work, **wanted: Any) -> Operation:
    operation = reconciling.begin(None, **wanted)
    work()
    operation.refresh_from_db()
    return operation


def admin_of(project: Project) -> Any:
    return MembershipFactory.create(tenant=project.tenant, role="admin").user


def test_a_lost_manifest_takes_its_row_along(work: Work, pusher: Pusher, project: Project) -> None:
    kept, lost = pusher.image("1.0", a="kept"), pusher.image("2.0", a="lost")
    pusher.server.ask("DELETE", str(pusher.name), f"manifests/{lost.digest}")
    assert reconcile(work).status == "succeeded"
    assert list(Artifact.objects.all()) == [kept]
    assert list(Tag.objects.values_list("name", flat=True)) == ["1.0"]
    assert TagChange.objects.get(name="2.0", digest="").before == lost.digest
    assert AuditEntry.objects.filter(action="registry.artifact_lost").count() == 1
    assert_exact(project)


def test_what_only_the_registry_knows_is_written_down(work: Work, pusher: Pusher, project: Project) -> None:
    pusher.image("1.0", a="known")
    whole = pusher.manifest(pusher.layout.index(["amd64", "arm64"], attested=True), "many")
    for child in whole.children:
        one = pusher.manifest({"digest": child.part.digest, "mediaType": child.part.media_type})
        pusher.server.upload_parts(str(pusher.name), pusher.layout, one)
        pusher.server.put(str(pusher.name), one.digest, one)
    pusher.server.put(str(pusher.name), "many", whole)
    assert reconcile(work).status == "succeeded"
    index = Tag.objects.get(name="many").artifact
    assert index.kind == "index"
    images = Artifact.objects.filter(digest__in=index.children.filter(attests="").values("digest"))
    assert sorted(images.values_list("architecture", flat=True)) == ["amd64", "arm64"]
    assert Artifact.objects.filter(listed=True).count() == 2, "children are not listed for themselves"
    assert_exact(project)


def test_what_was_deleted_here_is_not_found_again(work: Work, pusher: Pusher, project: Project) -> None:
    artifact, other = pusher.image("1.0", a="1"), pusher.image("2.0", a="2")
    admin = admin_of(project)
    removing.artifact(admin, artifact)
    removing.tag(admin, other.tags.get())
    assert reconcile(work).status == "succeeded"
    assert list(Artifact.objects.all()) == [other]
    assert not Tag.objects.exists()
    assert_exact(project)


def test_an_empty_registry_takes_nothing_away(
    work: Work, pusher: Pusher, monkeypatch: pytest.MonkeyPatch, project: Project
) -> None:
    """The storage is not there, or it is another registry: losing all rows would be worse than keeping them."""
    monkeypatch.setattr(reconciling, "BRAKE_LEAST", 1)
    for number in range(3):
        pusher.image(f"{number}", a=str(number))
    for digest in Artifact.objects.values_list("digest", flat=True):
        pusher.server.ask("DELETE", str(pusher.name), f"manifests/{digest}")
    failed = reconcile(work)
    assert (failed.status, failed.error_key) == ("failed", "error.reconcile_brake")
    assert Artifact.objects.count() == 3
    assert reconcile(work, forced=True).status == "succeeded"
    assert not Artifact.objects.exists()
    assert_exact(project)


def test_usage_is_counted_anew_even_over_the_quota(work: Work, pusher: Pusher, project: Project) -> None:
    pusher.image("1.0", a="b")
    QuotaLimit.objects.filter(tenant=project.tenant, kind="registry_gib").update(limit=0)
    Project.objects.update(used=5 * quota.GIB)
    Reservation.objects.filter(tenant=project.tenant).update(amount=7)
    assert reconcile(work).status == "succeeded"
    assert_exact(project)


def test_it_goes_on_where_it_was(work: Work, pusher: Pusher, monkeypatch: pytest.MonkeyPatch) -> None:
    """However little one turn does, all is looked at."""
    for name in ("ARTIFACTS_AT_ONCE", "REPOSITORIES_AT_ONCE", "PROJECTS_AT_ONCE"):
        monkeypatch.setattr(reconciling, name, 1)
    seen: list[str] = []
    real = drift.lost

    def noted(store: Store, rows: list[Artifact]) -> list[Artifact]:
        seen.extend(row.digest for row in rows)
        return real(store, rows)

    monkeypatch.setattr(drift, "lost", noted)
    for number in range(3):
        pusher.image(f"{number}", a=str(number))
    assert reconcile(work).status == "succeeded"
    assert sorted(seen) == sorted(Artifact.objects.values_list("digest", flat=True))


def test_beat_starts_it_once(work: Work, pusher: Pusher) -> None:
    tasks.reconcile()
    tasks.reconcile()
    assert Operation.objects.filter(kind="registry.reconcile").count() == 1
    tasks.settle()
    work()
