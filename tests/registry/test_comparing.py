"""What differs between two artifacts: on the page, over REST; what nobody looked into is never "no difference"."""

import time
from collections.abc import Iterable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from registry import comparing
from registry.models import (
    Artifact,
    ArtifactChild,
    Finding,
    Project,
    Repository,
    Sbom,
    Scan,
    Tag,
    Vulnerability,
)
from tests.factories import MembershipFactory, UserFactory
from tests.permissions.people import browser_of
from tests.tools import client_of

OLD = [("openssl", "3.0.1"), ("zlib", "1.2"), ("bash", "5")]
NEW = [("openssl", "3.0.2"), ("curl", "8"), ("bash", "5")]
NOW = timezone.now()


@pytest.fixture
def repository(project: Project) -> Repository:
    return Repository.objects.create(project=project, name="web")


def artifact(repository: Repository, number: int, tag: str = "", **more: Any) -> Artifact:
    made = Artifact.objects.create(
        repository=repository, digest=f"sha256:{number:064x}", manifest_size=1,
        **{"kind": "image", "size": number, "media_type": "m", "os": "linux", "architecture": "amd64", **more},
    )  # fmt: skip
    if tag:
        Tag.objects.create(repository=repository, name=tag, artifact=made)
    return made


def sbom(image: Artifact, packages: Iterable[tuple[str, str]], ecosystem: str = "Debian:12") -> None:
    rows = [{"name": name, "version": version, "ecosystem": ecosystem} for name, version in packages]
    Sbom.objects.create(artifact=image, scanner="trivy", packages=rows)


def scan(image: Artifact, findings: Iterable[tuple[str, int]], scanner: str = "trivy", at: Any = NOW) -> None:
    made = Scan.objects.create(
        artifact=image, scanner=scanner, state="success", current=True, database="d", database_updated_at=at
    )
    found = list(findings)
    Vulnerability.objects.bulk_create([Vulnerability(id=name) for name, _level in found], ignore_conflicts=True)
    Finding.objects.bulk_create(
        [
            Finding(scan=made, vulnerability_id=name, package="openssl", version="3", severity=level)
            for name, level in found
        ]
    )
    Artifact.objects.filter(pk=image.pk).update(scan_state="success", scanned_at=NOW)


def layers(*digests: str) -> list[dict[str, Any]]:
    return [{"digest": digest, "size": 1, "media_type": "m"} for digest in digests]


@pytest.fixture
def two(repository: Repository) -> Repository:
    """Two scanned tags: one vulnerability stays, one goes, two come."""
    before = artifact(repository, 1, "1.0", layers=layers("a", "b"))
    after = artifact(repository, 2, "2.0", layers=layers("a", "c"))
    sbom(before, OLD)
    sbom(after, NEW)
    scan(before, [("CVE-1", 5), ("CVE-2", 3)])
    scan(after, [("CVE-1", 5), ("CVE-3", 2), ("CVE-4", 4)])
    return repository


@pytest.fixture
def viewer(project: Project) -> Any:
    return MembershipFactory.create(tenant=project.tenant, role="viewer").user


def page_of(user: Any, query: str, name: str = "shop/web") -> Any:
    return browser_of(user).get(f"/images/{name}?tab=compare{query}", headers={"accept-language": "en"})


def test_what_came_what_went_and_what_changed(two: Repository) -> None:
    found = comparing.compare(two, "1.0", f"sha256:{2:064x}")
    assert found.packages
    assert found.vulnerabilities
    assert found.layers
    assert [(one.name, one.before, one.after) for one in found.packages.changed] == [
        ("openssl", ("3.0.1",), ("3.0.2",))
    ]
    assert [one.name for one in found.packages.added] == ["curl"]
    assert [one.name for one in found.packages.gone] == ["zlib"]
    assert found.packages.same == 1
    assert [one.id for one in found.vulnerabilities.added] == ["CVE-4", "CVE-3"]  # the worst first
    assert [one.id for one in found.vulnerabilities.gone] == ["CVE-2"]
    assert (found.vulnerabilities.same, found.vulnerabilities.alike) == (1, True)
    assert [(level.word, came, went) for level, came, went in found.vulnerabilities.levels] == [
        ("high", 1, 0), ("medium", 0, 1), ("low", 1, 0),
    ]  # fmt: skip
    assert ([one["digest"] for one in found.layers.added], found.layers.same, found.size) == (["c"], 1, 1)


def test_a_newer_distribution_does_not_make_every_package_new(repository: Repository) -> None:
    sbom(artifact(repository, 1, "a"), [("bash", "5"), ("libc", "2")], "Debian:11")
    sbom(artifact(repository, 2, "b"), [("bash", "5"), ("libc", "3")], "Debian:12")
    packages = comparing.compare(repository, "a", "b").packages
    assert packages
    assert [one.name for one in packages.changed] == ["libc"]
    assert (packages.added, packages.gone, packages.same) == ([], [], 1)


def test_several_versions_of_one_package(repository: Repository) -> None:
    sbom(artifact(repository, 1, "a"), [("ms", "1"), ("ms", "2")], "npm")
    sbom(artifact(repository, 2, "b"), [("ms", "2")], "npm")
    packages = comparing.compare(repository, "a", "b").packages
    assert packages
    assert [(one.before, one.after) for one in packages.changed] == [(("1", "2"), ("2",))]


def test_what_was_not_scanned_is_never_alike(two: Repository, viewer: Any) -> None:
    sbom(artifact(two, 3, "new"), NEW)
    found = comparing.compare(two, "2.0", "new")
    assert found.vulnerabilities is None
    assert found.packages
    assert found.size == 1
    answer = page_of(viewer, "&before=2.0&after=new")
    assert b"Not scanned: nothing can be said about vulnerabilities" in answer.content
    assert b"The same vulnerabilities" not in answer.content
    bare = artifact(two, 4, "bare")
    assert comparing.compare(two, bare.digest, "bare").packages is None
    answer = page_of(viewer, "&before=2.0&after=bare&part=packages")
    assert b"Not scanned: nothing can be said about packages" in answer.content


@pytest.mark.parametrize("state", ["error", "stopped"])
def test_a_scan_that_failed_in_part_says_nothing(two: Repository, state: str) -> None:
    Artifact.objects.filter(tags__name="2.0").update(scan_state=state)
    assert comparing.compare(two, "1.0", "2.0").vulnerabilities is None


def test_other_databases_are_told(two: Repository, viewer: Any) -> None:
    scan(Artifact.objects.get(tags__name="2.0"), [("CVE-2", 5)], scanner="osv")
    found = comparing.compare(two, "1.0", "2.0").vulnerabilities
    assert found
    assert not found.alike
    assert found.gone == []
    assert b"They were judged by different databases" in page_of(viewer, "&before=1.0&after=2.0").content


def index(repository: Repository, number: int, tag: str, children: dict[str, Artifact | None]) -> Artifact:
    made = artifact(repository, number, tag, kind="index", os="", architecture="")
    for position, (platform, child) in enumerate(children.items()):
        names = zip(("os", "architecture", "variant"), platform.split("/"), strict=False)
        digest = child.digest if child else f"sha256:{position:064x}"
        ArtifactChild.objects.create(parent=made, digest=digest, position=position, size=1, platform=dict(names))
    return made


def test_of_indexes_the_images_of_one_platform(repository: Repository) -> None:
    old = {name: artifact(repository, n, architecture=name) for n, name in enumerate(("amd64", "arm64"), 1)}
    new = {name: artifact(repository, n, architecture=name) for n, name in enumerate(("arm64", "amd64"), 5)}
    index(repository, 11, "1", {"linux/amd64": old["amd64"], "linux/arm64": old["arm64"]})
    index(repository, 12, "2", {"linux/arm64/v8": new["arm64"], "linux/amd64": new["amd64"], "linux/s390x": None})
    ArtifactChild.objects.create(  # what only describes an image is no platform
        parent=Artifact.objects.get(tags__name="2"), digest=f"sha256:{99:064x}", position=9, size=1,
        attests=new["arm64"].digest, platform={"os": "unknown", "architecture": "unknown"},
    )  # fmt: skip
    found = comparing.compare(repository, "1", "2")
    assert (found.platforms, found.platform) == (["linux/arm64", "linux/amd64"], "linux/arm64")
    assert (found.before.artifact, found.after.artifact) == (old["arm64"], new["arm64"])
    chosen = comparing.compare(repository, "1", "2", "linux/amd64")
    assert (chosen.before.artifact, chosen.after.artifact) == (old["amd64"], new["amd64"])
    assert comparing.compare(repository, "1", "2", "linux/s390x").platform == "linux/arm64"
    mixed = comparing.compare(repository, old["amd64"].digest, "2")  # an image with an index: its own platform
    assert (mixed.platforms, mixed.after.artifact) == (["linux/amd64"], new["amd64"])


def test_indexes_without_a_common_platform(repository: Repository, viewer: Any) -> None:
    index(repository, 11, "1", {"linux/amd64": artifact(repository, 1)})
    index(repository, 12, "2", {"linux/s390x": artifact(repository, 2, architecture="s390x")})
    found = comparing.compare(repository, "1", "2")
    assert (found.size, found.packages, found.vulnerabilities, found.layers) == (None, None, None, None)
    assert b"They have no platform in common." in page_of(viewer, "&before=1&after=2").content
    index(repository, 13, "3", {"linux/amd64": None})
    assert b"an image for linux/amd64 that is not here" in page_of(viewer, "&before=1&after=3").content


def test_rest(two: Repository, viewer: Any) -> None:
    url = f"/api/v1/registry/repositories/{two.pk}/comparison"
    client = client_of(viewer)
    said = client.get(url, {"before": "1.0", "after": "2.0"}).json()
    assert [one["id"] for one in said["vulnerabilities"]["added"]] == ["CVE-4", "CVE-3"]
    assert said["packages"]["changed"] == [
        {"name": "openssl", "ecosystem": "Debian", "before": ["3.0.1"], "after": ["3.0.2"]}
    ]
    assert (said["size"], said["before"]["scanned"], said["after"]["artifact"]["digest"]) == (
        1, True, f"sha256:{2:064x}",
    )  # fmt: skip
    artifact(two, 3, "new")
    said = client.get(url, {"before": "1.0", "after": "new"}).json()
    assert (said["vulnerabilities"], said["packages"], said["after"]["scanned"]) == (None, None, False)
    assert client.get(url, {"before": "1.0"}).status_code == 400
    assert client.get(url, {"before": "1.0", "after": "2.0", "wiht": "x"}).status_code == 400
    assert client.get(url, {"before": "1.0", "after": "absent"}).status_code == 404


def test_who_does_not_see_the_repository_compares_nothing(two: Repository) -> None:
    stranger = UserFactory.create()
    url = f"/api/v1/registry/repositories/{two.pk}/comparison"
    assert client_of(stranger).get(url, {"before": "1.0", "after": "2.0"}).status_code == 404
    assert APIClient().get(url, {"before": "1.0", "after": "2.0"}).status_code == 401
    assert page_of(stranger, "&before=1.0&after=2.0").status_code == 404


def test_an_artifact_of_another_repository_is_not_there(two: Repository, viewer: Any) -> None:
    other = Repository.objects.create(project=two.project, name="other")
    artifact(other, 9, "9.0")
    answer = page_of(viewer, f"&before=1.0&after=sha256:{9:064x}")
    assert answer.status_code == 404
    assert b"There is no shop/web with" in answer.content
    assert page_of(viewer, "&before=1.0&after=9.0").status_code == 404


def test_the_ways_to_the_comparison(two: Repository, viewer: Any) -> None:
    first, second = (f"sha256:{number:064x}" for number in (1, 2))
    assert b"Choose two to compare" in page_of(viewer, "").content
    ticked = page_of(viewer, f"&of={second}&of={first}")
    assert ticked["Location"] == f"/images/shop/web?tab=compare&before={first}&after={second}".replace(":", "%3A")
    for query in (f"&of={first}", f"&of={first}&of={second}&of={'x' * 9}", f"&of={first}&of=absent"):
        assert b"Tick exactly two artifacts" in page_of(viewer, query).content
    alone = page_of(viewer, "&after=2.0")  # with what was pushed before
    assert alone.context["found"].before.named.digest == first
    assert b"Choose two to compare" in page_of(viewer, "&after=1.0").content  # nothing was
    client = browser_of(viewer)
    assert b"?tab=compare&amp;after=2.0" in client.get("/images/shop/web:2.0").content
    assert client.get("/images/shop/web").content.count(b'name="of"') == 2


def test_as_many_queries_and_quick_with_many_findings(two: Repository, viewer: Any) -> None:
    def asked(after: str) -> int:
        with CaptureQueriesContext(connection) as caught:
            assert page_of(viewer, f"&before=1.0&after={after}").status_code == 200
        return len(caught)

    asked("2.0")  # what is read once a process
    few = asked("2.0")
    many = artifact(two, 3, "3.0")
    sbom(many, [(f"package-{number}", "1") for number in range(2000)])
    scan(many, [(f"CVE-2024-{number:04}", number % 6) for number in range(2000)])
    assert asked("3.0") == few
    began = time.perf_counter()
    found = comparing.compare(two, "1.0", "3.0")
    assert found.vulnerabilities
    assert len(found.vulnerabilities.added) == 2000
    assert time.perf_counter() - began < 1  # some 30 ms, on a machine that has better things to do
