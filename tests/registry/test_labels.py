"""Labels: whose they are, who puts them on, what they do to lists, and what becomes of them on a copy."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pks_portal.errors import Conflict, Forbidden, Invalid
from registry import browsing, labels, repositories
from registry.models import Artifact, ArtifactLabel, Label, Project, Repository, Tag
from registry.upkeep import copying
from tenants.models import AuditEntry, User
from tests.factories import MembershipFactory, PlatformGrantFactory, TenantFactory
from tests.permissions.people import browser_of
from tests.registry.pushing import Pusher
from tests.tools import client_of

REST = "/api/v1/registry"


@pytest.fixture
def admin(project: Project) -> User:
    return MembershipFactory.create(tenant=project.tenant, role="admin").user


@pytest.fixture
def developer(project: Project) -> User:
    return MembershipFactory.create(tenant=project.tenant, role="developer").user


@pytest.fixture
def viewer(project: Project) -> User:
    return MembershipFactory.create(tenant=project.tenant, role="viewer").user


@pytest.fixture
def platform_admin(db: None) -> User:
    return PlatformGrantFactory.create().user


@pytest.fixture
def image(project: Project) -> Artifact:
    repository = Repository.objects.create(project=project, name="web")
    return made(repository, 1, "1.0")


def made(repository: Repository, number: int, tag: str) -> Artifact:
    artifact = Artifact.objects.create(
        repository=repository, digest=f"sha256:{number:064x}", kind="image", media_type="m", manifest_size=1, size=1
    )
    Tag.objects.create(repository=repository, name=tag, artifact=artifact)
    return artifact


def on(artifact: Artifact) -> list[str]:
    return list(artifact.labelled.values_list("label__name", flat=True))


def test_a_projects_label_is_its_administrators(project: Project, admin: User, developer: User) -> None:
    with pytest.raises(Forbidden):
        labels.make(developer, project, {"name": "approved"})
    row = labels.make(admin, project, {"name": "  approved \t for  production ", "colour": "green"})
    assert row.name == "approved for production"
    with pytest.raises(Conflict):
        labels.make(admin, project, {"name": row.name})
    for name in ("", " ", "x" * 41, "a\u202eb", "\x1b[2J"):
        with pytest.raises(Invalid):
            labels.make(admin, project, {"name": name})
    with pytest.raises(Invalid):
        labels.make(admin, project, {"name": "x", "colour": "javascript"})
    other = labels.make(admin, project, {"name": "other"})
    with pytest.raises(Conflict):
        labels.change(admin, other, {"name": row.name})
    labels.change(admin, row, {"colour": "red"})
    labels.delete(admin, row)
    deeds = AuditEntry.objects.filter(action__startswith="registry.label").order_by("pk")
    assert [entry.action.partition("_")[2] for entry in deeds] == ["make", "make", "change", "delete"]


def test_the_platforms_labels_are_for_every_project(
    admin: User, developer: User, platform_admin: User, image: Artifact
) -> None:
    with pytest.raises(Forbidden):
        labels.make(admin, None, {"name": "lts"})
    row = labels.make(platform_admin, None, {"name": "lts"})
    with pytest.raises(Conflict):
        labels.make(platform_admin, None, {"name": "lts"})
    labels.put(developer, image, row.pk)
    labels.put(developer, image, row.pk)
    assert on(image) == ["lts"]
    with pytest.raises(Forbidden):
        labels.delete(admin, row)


def test_another_projects_label_is_not_there(developer: User, image: Artifact) -> None:
    elsewhere = Project.objects.create(tenant=TenantFactory.create(slug="bank"), name="bank")
    row = Label.objects.create(project=elsewhere, name="secret")
    with pytest.raises(Invalid):
        labels.put(developer, image, row.pk)
    assert client_of(developer).get(f"{REST}/projects/bank/labels").status_code == 404


def test_limits(
    project: Project, admin: User, developer: User, image: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "MOST", 2)
    monkeypatch.setattr(labels, "MOST_ON_ONE", 1)
    first, second = (labels.make(admin, project, {"name": name}) for name in "ab")
    with pytest.raises(Conflict):
        labels.make(admin, project, {"name": "c"})
    labels.put(developer, image, first.pk)
    labels.put(developer, image, first.pk)
    with pytest.raises(Conflict):
        labels.put(developer, image, second.pk)
    labels.take(developer, image, first.pk)
    labels.take(developer, image, first.pk)
    labels.put(developer, image, second.pk)
    deeds = AuditEntry.objects.filter(action__in=["registry.label_put", "registry.label_take"]).order_by("pk")
    assert [(entry.action, entry.tenant) for entry in deeds] == [
        ("registry.label_put", project.tenant), ("registry.label_take", project.tenant),
        ("registry.label_put", project.tenant),
    ]  # fmt: skip


def test_it_stays_when_tags_move(developer: User, project: Project, image: Artifact) -> None:
    row = Label.objects.create(project=project, name="approved")
    labels.put(developer, image, row.pk)
    newer = made(image.repository, 2, "2.0")
    repositories.set_tag(developer, newer, "1.0")
    repositories.set_tag(developer, image, "old")
    assert (on(image), on(newer)) == (["approved"], [])


def test_the_list_by_label(developer: User, project: Project, image: Artifact) -> None:
    made(image.repository, 2, "2.0")
    both = [Label.objects.create(project=owner, name="approved") for owner in (project, None)]
    for row in both:  # of the same name, and the artifact stands there once
        labels.put(developer, image, row.pk)
    found = client_of(developer).get(f"{REST}/artifacts", {"label": "approved"}).json()["items"]
    assert [(one["digest"], one["labels"]) for one in found] == [(image.digest, ["approved", "approved"])]
    assert client_of(developer).get(f"{REST}/artifacts", {"label": "other"}).json()["items"] == []
    page = browser_of(developer).get("/images/shop/web?label=approved")
    assert [row.artifact for row in page.context["rows"]] == [image]
    assert b"?label=approved" in browser_of(developer).get("/images/shop/web").content
    assert not browser_of(developer).get("/images/shop/web?label=other").context["rows"]


def test_as_many_queries_however_many_labels(developer: User, project: Project, image: Artifact) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as caught:
            browsing.rows_of([image], project)
        return len(caught)

    few = asked()
    for number in range(5):
        labels.put(developer, image, Label.objects.create(project=project, name=f"label {number}").pk)
    assert asked() == few


def test_the_pages(developer: User, viewer: User, admin: User, platform_admin: User, image: Artifact) -> None:
    english = {"accept-language": "en"}
    browser_of(admin).post("/registry/projects/shop/labels", {"name": "<b>approved", "colour": "green"})
    row = Label.objects.get(name="<b>approved")
    path = f"shop/web@{image.digest}"
    assert browser_of(viewer).post(f"/registry/mark/{path}", {"label": row.pk}).status_code == 403
    assert browser_of(developer).post(f"/registry/mark/{path}", {"label": row.pk}).status_code == 302
    for address in (f"/images/{path}", "/images/shop/web", "/images/shop?tab=labels"):
        page = browser_of(viewer).get(address, headers=english).content
        assert b'<span class="label green">&lt;b&gt;approved</span>' in page
    refused = browser_of(developer).post(f"/registry/mark/{path}", {"label": "77"}, headers=english)
    assert (refused.status_code, b"no such label" in refused.content) == (400, True)
    browser_of(developer).post(f"/registry/mark/{path}", {"label": row.pk, "do": "take"})
    assert on(image) == []
    change = f"/registry/projects/shop/labels/{row.pk}"
    browser_of(admin).post(change, {"name": "approved", "colour": "blue", "about": "May run"})
    row.refresh_from_db()
    assert (row.name, row.colour, row.about) == ("approved", "blue", "May run")
    browser_of(admin).post(change, {"do": "delete"})
    assert not Label.objects.exists()
    assert browser_of(platform_admin).post("/registry/labels", {"name": "lts"}).status_code == 302
    assert b"lts" in browser_of(platform_admin).get("/platform/labels").content
    assert browser_of(admin).get("/platform/labels").status_code == 403
    again = browser_of(platform_admin).post("/registry/labels", {"name": "lts"}, headers=english)
    assert (again.status_code, "already" in again.content.decode()) == (409, True)
    browser_of(platform_admin).post(f"/registry/labels/{Label.objects.get().pk}", {"do": "delete"})
    assert not Label.objects.exists()


def test_rest(admin: User, developer: User, image: Artifact) -> None:
    label = (
        client_of(admin)
        .post(f"{REST}/projects/shop/labels", {"name": "approved", "colour": "teal"}, format="json")
        .json()
    )
    assert (label["project"], label["name"], label["colour"], label["made_by"]) == (
        "shop", "approved", "teal", admin.username,
    )  # fmt: skip
    at = f"{REST}/artifacts/{image.pk}/labels"
    said = client_of(developer).post(at, {"label": label["id"]}, format="json")
    assert (said.status_code, [one["name"] for one in said.json()["items"]]) == (201, ["approved"])
    assert client_of(developer).get(f"{REST}/artifacts/{image.pk}").json()["labels"] == ["approved"]
    assert client_of(developer).delete(f"{at}/{label['id']}").status_code == 204
    assert on(image) == []
    own = f"{REST}/projects/shop/labels/{label['id']}"
    assert client_of(admin).patch(own, {"name": "seen"}, format="json").json()["name"] == "seen"
    assert client_of(admin).delete(f"{REST}/labels/{label['id']}").status_code == 403  # it is not the platform's
    assert client_of(admin).delete(own).status_code == 204


def test_a_copy_takes_along_what_its_project_knows(pusher: Pusher, admin: User, project: Project) -> None:
    target = Project.objects.create(tenant=TenantFactory.create(slug="bank"), name="bank")
    MembershipFactory.create(tenant=target.tenant, user=admin, role="operator")
    image = pusher.image("1.0", a="b")
    same = Label.objects.create(project=target, name="approved", colour="red")
    mine = [Label.objects.create(project=owner, name=name)
            for owner, name in ((project, "approved"), (project, "only here"), (None, "lts"))]  # fmt: skip
    for row in mine:
        labels.put(admin, image, row.pk)
    copied = copying.copy(admin, image, "bank/web", "1.0").artifact
    assert copied is not None
    assert set(copied.labelled.values_list("label", flat=True)) == {same.pk, mine[2].pk}
    copying.copy(admin, image, "bank/web", "2.0")  # once more changes nothing
    assert ArtifactLabel.objects.filter(artifact=copied).count() == 2
