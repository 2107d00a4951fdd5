"""What retention rules decide: on graphs of any shape, and carried out on rows."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from pks_portal.errors import Conflict, Forbidden, Invalid
from pks_portal.operations.models import Operation
from registry import tasks
from registry.models import (
    Artifact,
    ArtifactBlob,
    ArtifactChild,
    Blob,
    ImmutableRule,
    Project,
    Repository,
    RetentionRule,
    RetentionRun,
    Tag,
)
from registry.upkeep import retaining, retention, rules
from registry.upkeep.retention import One
from tests.factories import MembershipFactory, TenantFactory

NOW = timezone.now()
Work = Callable[[], None]


def one(digest: str, **facts: Any) -> One:
    facts = {
        "kind": "image",
        "subject": "",
        "size": 1,
        "pushed_at": NOW - timedelta(days=9),
        "pulled_at": None,
        **facts,
    }
    return One(id=uuid4(), digest=digest, **facts)


def rule(keep: str, number: int = 0, **facts: Any) -> RetentionRule:
    return RetentionRule(pk=1, keep=keep, number=number, **facts)


def decided(*ones: One, rules: list[RetentionRule], immutable: Any = ()) -> dict[str, bool]:
    """Return by digest whether it goes."""
    rows = retention.decided({row.digest: row for row in ones}, rules, list(immutable), NOW)
    return {row.digest: row.goes for row in rows}


def days(ago: float) -> Any:
    return NOW - timedelta(days=ago)


def test_nothing_goes_without_a_rule() -> None:
    assert decided(one("a"), one("b", tags=["1"]), rules=[]) == {"a": False, "b": False}


def test_rules_add_up() -> None:
    ones = [
        one(f"{age}", tags=[f"v{age}"], pushed_at=days(age), pulled_at=days(age) if age % 2 else None)
        for age in range(1, 9)
    ]
    found = decided(*ones, rules=[rule("latest_pushed_k", 2), rule("latest_pulled_n", 3), rule("days_since_push", 4)])
    assert [digest for digest, goes in found.items() if not goes] == ["1", "2", "3", "4", "5"]


def test_what_no_rule_speaks_of_stays() -> None:
    """A tag that no pattern fits keeps its artifact, whatever becomes of its other tags."""
    ones = [one("a", tags=["dev-1"]), one("b", tags=["dev-2", "1.0"]), one("c"), one("d", tags=["2.0"])]
    found = decided(*ones, rules=[rule("days_since_push", 1, tags="dev-*", untagged=False)])
    assert found == {"a": True, "b": False, "c": False, "d": False}


def test_just_pushed_had_no_time_to_be_pulled() -> None:
    found = decided(
        one("a", pushed_at=days(1)), one("b"), one("c", pulled_at=days(2)), rules=[rule("days_since_pull", 5)]
    )
    assert found == {"a": False, "b": True, "c": False}


def test_an_index_was_pulled_when_an_image_of_it_was() -> None:
    """Harbor's issue 22390: an index's images were pulled yesterday, and it was deleted with them."""
    index = one("i", kind="index", tags=["many"], children=["x", "y"])
    found = decided(index, one("x", pulled_at=days(1)), one("y"), rules=[rule("days_since_pull", 5)])
    assert found == {"i": False}, "and its images are not judged for themselves"


def test_immutable_tags_stay() -> None:
    fixed = ImmutableRule(tags="v*")
    found = decided(one("a", tags=["v1"]), one("b", tags=["w1"]), rules=[rule("days_since_push", 1)], immutable=[fixed])
    assert found == {"a": False, "b": True}


def test_a_tagged_child_of_what_stays_stays() -> None:
    index = one("i", kind="index", tags=["keep"], children=["x"])
    found = decided(
        index, one("x", tags=["old"]), rules=[rule("always", tags="keep"), rule("days_since_push", 1, tags="old")]
    )
    assert found == {"i": False, "x": False}


def test_an_index_stays_whose_child_is_about_what_stays() -> None:
    """Found by the graphs below: deleting the index would have taken its child, and so the other's SBOM."""
    index = one("i", kind="index", tags=["old"], children=["s"])
    found = decided(
        index, one("a", tags=["keep"]), one("s", kind="sbom", subject="a"),
        rules=[rule("always", tags="keep"), rule("days_since_push", 1, tags="old")],
    )  # fmt: skip
    assert found == {"a": False, "i": False}


DIGESTS = list("abcdefgh")
TAGS = st.lists(st.sampled_from(["1", "2", "dev", "x/y"]), max_size=2, unique=True)
AGES = st.integers(0, 20)


@st.composite
def graphs(draw: Any) -> dict[str, One]:
    """Return artifacts with indexes (of what stands later in the alphabet), accessories and tags of any sort."""
    ones = {}
    for place, digest in enumerate(DIGESTS[: draw(st.integers(1, 8))]):
        later, earlier = DIGESTS[place + 1 :], DIGESTS[:place]
        children = (
            draw(st.lists(st.sampled_from(later), max_size=3, unique=True)) if later and draw(st.booleans()) else []
        )
        subject = draw(st.sampled_from(["", *earlier])) if not children else ""
        about = "signature" if subject and draw(st.booleans()) else "image"
        ones[digest] = one(
            digest, kind="index" if children else about, subject=subject, children=children,
            tags=draw(TAGS), pushed_at=days(draw(AGES)), pulled_at=draw(st.none() | AGES.map(days)),
        )  # fmt: skip
    for row in ones.values():
        row.children = [child for child in row.children if child in ones]
    return ones


RULES = st.lists(
    st.builds(
        rule, st.sampled_from(RetentionRule.Keep.values), st.integers(1, 5),
        tags=st.sampled_from(["**", "dev", "{1,2}", "none"]), untagged=st.booleans(),
    ),
    max_size=3,
)  # fmt: skip


def deleted(ones: dict[str, One], going: set[str]) -> set[str]:
    """Return what deleting some takes along, as registry/removing.py does it, one after the other."""
    left = dict(ones)
    for digest in sorted(going):
        parents = [row for row in left.values() if digest in row.children]
        if digest in left and not parents:
            _delete(left, [digest])
    return ones.keys() - left.keys()


def _delete(left: dict[str, One], digests: list[str]) -> None:
    gone = [left.pop(digest) for digest in digests if digest in left]
    about = [row.digest for row in left.values() if row.subject in digests]
    held = {child for row in left.values() for child in row.children}
    free = [
        child for row in gone for child in row.children if child in left and not left[child].tags and child not in held
    ]
    if following := list(dict.fromkeys([*about, *free])):
        _delete(left, following)


@given(graphs(), RULES)
def test_what_a_rule_keeps_stays_and_all_that_belongs_to_it(ones: dict[str, One], some: list[RetentionRule]) -> None:
    rows = retention.decided(ones, some, [], NOW)
    going = {row.digest for row in rows if row.goes}
    about = retention._about(ones)
    staying = retention.belonging(ones, about, [row.digest for row in rows if not row.goes])
    gone = deleted(ones, going)
    assert not going & staying
    assert not gone & staying, "neither children nor accessories of what stays go with something else"
    for row in rows:
        assert row.why, "each row says why"
        for of in some:
            if of.keep == "always" and retention._speaks_of(of, row):
                assert not row.goes
    if not some:
        assert not gone


@pytest.fixture
def images(transactional_db: None) -> Project:
    """Return a project with a repository of ten tagged images, one day between each, and a signature of each."""
    project = Project.objects.create(tenant=TenantFactory.create(slug="shop"), name="shop")
    repository = Repository.objects.create(project=project, name="web")
    for age in range(10):
        row = _artifact(repository, f"sha256:{age:064}", pushed_at=days(age))
        Tag.objects.create(repository=repository, name=f"v{age}", artifact=row)
        _artifact(repository, f"sha256:{age:063}f", kind="signature", subject=row.digest, listed=False)
    return project


def _artifact(repository: Repository, digest: str, **facts: Any) -> Artifact:
    facts = {"kind": "image", "media_type": "m", "manifest_size": 5, "size": 5, **facts}
    row = Artifact.objects.create(repository=repository, digest=digest, **facts)
    Blob.objects.create(digest=digest, size=5)
    ArtifactBlob.objects.create(artifact=row, blob_id=digest)
    return row


def admin_of(project: Project) -> Any:
    return MembershipFactory.create(tenant=project.tenant, role="admin").user


def run(work: Work, project: Project, *, dry_run: bool) -> RetentionRun:
    row = retaining.ask(admin_of(project), project, dry_run=dry_run)
    work()
    row.refresh_from_db()
    return row


def test_a_dry_run_says_what_a_run_does(work: Work, images: Project) -> None:
    rules.make_retention(admin_of(images), images, {"keep": "latest_pushed_k", "number": 3})
    dry = run(work, images, dry_run=True)
    assert (dry.kept, dry.going, dry.removed) == (3, 7, 0)
    assert Artifact.objects.count() == 20
    assert [row["tags"] for row in dry.report if not row["goes"]] == [["v0"], ["v1"], ["v2"]]
    done = run(work, images, dry_run=False)
    assert (done.going, done.removed) == (7, 7)
    assert [row["digest"] for row in done.report] == [row["digest"] for row in dry.report]
    assert Artifact.objects.count() == 6, "the signatures went along, and those of what stays stayed"
    assert done.ended_at
    images.refresh_from_db()
    assert images.used == 30
    assert run(work, images, dry_run=False).going == 0


def test_what_was_pulled_since_the_decision_stays(work: Work, images: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    rules.make_retention(admin_of(images), images, {"keep": "latest_pushed_k", "number": 9})
    real = retaining._decide

    def decide(operation: Operation, row: RetentionRun) -> None:
        real(operation, row)
        Artifact.objects.filter(tags__name="v9").update(pulled_at=timezone.now())

    monkeypatch.setattr(retaining, "_decide", decide)
    done = run(work, images, dry_run=False)
    assert (done.going, done.removed) == (1, 0)
    assert Tag.objects.filter(name="v9").exists()


def test_children_of_an_index_that_stays_stay(work: Work, images: Project) -> None:
    repository = Repository.objects.get()
    index = _artifact(repository, f"sha256:{'e' * 64}", kind="index")
    Tag.objects.create(repository=repository, name="many", artifact=index)
    oldest = Artifact.objects.get(tags__name="v9")
    ArtifactChild.objects.create(parent=index, digest=oldest.digest, position=0, size=5)
    rules.make_retention(admin_of(images), images, {"keep": "always", "tags": "many", "untagged": False})
    rules.make_retention(admin_of(images), images, {"keep": "latest_pushed_k", "number": 1, "tags": "v*"})
    run(work, images, dry_run=False)
    assert sorted(Tag.objects.values_list("name", flat=True)) == ["many", "v0", "v9"]


def test_rules_are_checked(images: Project) -> None:
    admin = admin_of(images)
    with pytest.raises(Conflict):
        retaining.ask(admin, images, dry_run=True)
    for wanted in ({"keep": "latest_pushed_k", "number": 0}, {"keep": "always", "tags": "a b"}):
        with pytest.raises(Invalid):
            rules.make_retention(admin, images, wanted)
    made = rules.make_immutable(admin, images, {"tags": "v*"})
    with pytest.raises(Conflict):
        rules.make_immutable(admin, images, {"tags": "v*"})
    developer = MembershipFactory.create(tenant=images.tenant, role="developer").user
    with pytest.raises(Forbidden):
        rules.delete(developer, made)
    rules.change_immutable(admin, made, {"tags": "w*"})
    rules.delete(admin, made)
    assert not ImmutableRule.objects.exists()


def test_every_day_in_each_project_that_has_rules(work: Work, images: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retaining, "RUNS_KEPT", 2)
    without = Project.objects.create(tenant=images.tenant, name="other")
    rules.make_retention(admin_of(images), images, {"keep": "latest_pushed_k", "number": 8})
    for _day in range(3):
        tasks.retain()
        tasks.retain()  # one is under way
        work()
    assert Artifact.objects.filter(kind="image").count() == 8
    assert images.retention_runs.count() == 2, "the oldest report is forgotten"
    assert images.retention_runs.filter(ended_at=None).count() == 0
    assert not without.retention_runs.exists()


def test_an_archived_tenant_is_left_alone(work: Work, images: Project) -> None:
    rules.make_retention(admin_of(images), images, {"keep": "latest_pushed_k", "number": 1})
    images.tenant.archived_at = timezone.now()
    images.tenant.save()
    tasks.retain()
    assert not images.retention_runs.exists()
