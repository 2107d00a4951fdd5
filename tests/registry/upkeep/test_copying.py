"""Copies share their bytes, keep their digests, and take along what belongs to them."""

from collections.abc import Callable
from typing import Any

import pytest

from pks_portal.errors import Conflict, Forbidden, Invalid, QuotaExceeded
from registry import holds
from registry.models import Artifact, Project, Push, Repository, Tag
from registry.upkeep import copying
from tenants.models import QuotaLimit, User
from tests.factories import MembershipFactory, TenantFactory
from tests.registry.pushing import Pusher
from tests.registry.upkeep.test_settling import assert_exact

Work = Callable[[], None]


@pytest.fixture
def other(transactional_db: None) -> Project:
    return Project.objects.create(tenant=TenantFactory.create(slug="bank"), name="bank")


@pytest.fixture
def person(project: Project, other: Project) -> User:
    """Return somebody who may pull from the first project and push to the other, signatures too."""
    user = MembershipFactory.create(tenant=project.tenant, role="viewer").user
    MembershipFactory.create(tenant=other.tenant, user=user, role="operator")
    return user


def in_(project: Project) -> Any:
    return Artifact.objects.filter(repository__project=project)


def test_one_image_is_copied_at_once(pusher: Pusher, other: Project, person: User) -> None:
    original = pusher.image("1.0", a="b")
    size = pusher.server.size()
    copied = copying.copy(person, original, "bank/core/web", "stable").artifact
    assert copied is not None
    assert (str(copied), copied.architecture, copied.config) == (
        f"bank/core/web@{original.digest}", "amd64", original.config,
    )  # fmt: skip
    assert Tag.objects.get(name="stable").artifact == copied
    assert pusher.server.has("bank/core/web", "stable")
    assert pusher.server.size() == size, "its bytes lie there once"
    assert_exact_of(other)


def assert_exact_of(project: Project) -> None:
    project.refresh_from_db()
    parts = {part.blob_id: part.blob.size for row in in_(project) for part in row.parts.select_related("blob")}
    assert project.used == sum(parts.values())
    assert not Push.objects.exists()


def test_an_index_is_copied_with_all_that_belongs_to_it(
    work: Work, pusher: Pusher, other: Project, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "AT_ONCE", 2)
    index = pusher.index("many", "amd64", "arm64", attested=True)
    pusher.about(index)
    pusher.about(Artifact.objects.get(architecture="arm64"))
    made = copying.copy(person, index, "bank/web", "many")
    assert made.task is not None
    work()
    made.task.refresh_from_db()
    assert made.task.status == "succeeded"
    assert set(in_(other).values_list("digest", flat=True)) == set(in_(pusher.project).values_list("digest", flat=True))
    for row in in_(other):
        assert pusher.server.has("bank/web", row.digest)
    assert Repository.objects.get(project=other).artifacts_listed == 1
    assert_exact_of(other)
    assert_exact_of(pusher.project)


def test_signatures_stay_behind_for_who_may_not_sign(pusher: Pusher, other: Project, project: Project) -> None:
    original = pusher.image("1.0", a="b")
    pusher.about(original)
    user = MembershipFactory.create(tenant=project.tenant, role="viewer").user
    MembershipFactory.create(tenant=other.tenant, user=user, role="developer")
    assert copying.copy(user, original, "bank/web", "1.0").artifact is not None
    assert in_(other).count() == 1


def test_within_the_repository_only_the_tag_is_set(pusher: Pusher, project: Project) -> None:
    original = pusher.image("1.0", a="b")
    user = MembershipFactory.create(tenant=project.tenant, role="developer").user
    assert copying.copy(user, original, "shop/web", "2.0").artifact == original
    assert sorted(original.tags.values_list("name", flat=True)) == ["1.0", "2.0"]


def test_who_may_not_and_what_may_not(pusher: Pusher, project: Project, other: Project, person: User) -> None:
    original = pusher.image("1.0", a="b")
    stranger = MembershipFactory.create(tenant=other.tenant, role="admin").user
    with pytest.raises(Forbidden):
        copying.copy(stranger, original, "bank/web", "1.0")
    with pytest.raises(Forbidden):
        copying.copy(person, original, "shop/new", "1.0")
    for repository, tag in (("nowhere/web", "1.0"), ("bank", "1.0"), ("bank/web", "-")):
        with pytest.raises(Invalid):
            copying.copy(person, original, repository, tag)
    Project.objects.filter(pk=project.pk).update(signed_only=True)
    original = Artifact.objects.get(pk=original.pk)
    with pytest.raises(Conflict, match="not signed"):
        copying.copy(person, original, "bank/web", "1.0")
    assert not in_(other).exists()


def test_over_the_quota_leaves_nothing(pusher: Pusher, other: Project, person: User) -> None:
    original = pusher.image("1.0", a="b")
    QuotaLimit.objects.filter(tenant=other.tenant, kind="registry_gib").update(limit=0)
    with pytest.raises(QuotaExceeded):
        copying.copy(person, original, "bank/web", "1.0")
    assert not Push.objects.exists()
    assert not pusher.server.has("bank/web", original.digest)


def test_a_lost_layer_is_no_copy(pusher: Pusher, other: Project, person: User) -> None:
    original = pusher.image("1.0", a="b")
    layer = original.layers[0]["digest"].removeprefix("sha256:")
    (pusher.server.root / "docker/registry/v2/blobs/sha256" / layer[:2] / layer / "data").unlink()
    with pytest.raises(Exception, match="is not there"):
        copying.copy(person, original, "bank/web", "1.0")
    assert not in_(other).exists()
    assert not Push.objects.exists()


def test_copies_wait_like_pushes(pusher: Pusher, other: Project, person: User) -> None:
    original = pusher.image("1.0", a="b")
    holds.take(original.pk)
    with pytest.raises(Exception, match="freeing space"):
        copying.copy(person, original, "bank/web", "1.0")
    assert_exact(pusher.project)
