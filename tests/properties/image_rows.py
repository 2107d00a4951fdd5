"""More of each thing of the image registry: projects, and what is in one, in a repository and of an image."""

import hashlib
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.db.models import Model
from django.utils import timezone

from registry.models import (
    AdvisoryFeed,
    Artifact,
    ArtifactBlob,
    ArtifactChild,
    ArtifactLabel,
    Blob,
    Collection,
    CveException,
    Finding,
    ImmutableRule,
    Label,
    Project,
    ProjectMember,
    Repository,
    RetentionRule,
    RetentionRun,
    Robot,
    Sbom,
    Scan,
    Tag,
    TagChange,
    TrustedKey,
    Vulnerability,
)
from registry.scanning.port import Package
from registry.severity import Severity
from tenants.audit import record
from tenants.models import User

Row = TypeVar("Row", bound=Model)


def more(world: dict[str, Any], mark: str, person: User) -> None:
    """Add one of each: a project beside the world's, and in each a repository with an image that has everything."""
    project = Project.objects.get(name=world["image_project"])
    own = Project.objects.create(tenant=world["row"], name=mark, about=mark, created_by=person)
    for holder in (project, own):
        ProjectMember.objects.create(project=holder, user=person, role="developer", given_by=person)
        _image(Repository.objects.create(project=holder, name=mark, about=mark), mark)
    _image(Repository.objects.get(pk=world["image_repository"]), mark)
    _of_the_image(Artifact.objects.get(pk=world["image"]), mark)
    _of_the_project(world, project, mark, person)
    AdvisoryFeed.objects.create(slug=mark, name=mark, ecosystems=[mark], records=1, updated_at=timezone.now())


def copy(row: Row, **changes: Any) -> Row:
    """Save the row once more, as another."""
    row.pk = uuid4() if isinstance(row.pk, UUID) else None
    row._state.adding = True
    for name, value in changes.items():
        setattr(row, name, value)
    row.save()
    return row


def _of_the_project(world: dict[str, Any], project: Project, mark: str, person: User) -> None:
    robot = Robot.objects.get(project=project, name=world["robot"])
    copy(robot, name=mark, made_by=person)
    copy(TrustedKey.objects.get(pk=world["image_key"]), name=mark, fingerprint=mark, added_by=person)
    exception = CveException.objects.get(pk=world["exception"])
    copy(exception, vulnerability=f"CVE-{mark}", asked_by=person)
    decided = {"decided_by": person, "decided_at": timezone.now(), "expires_at": timezone.now() + timedelta(days=9)}
    copy(exception, vulnerability=f"CVE-{mark}-live", asked_by=person, status="approved", **decided)
    copy(ImmutableRule.objects.get(pk=world["immutable_rule"]), tags=mark, made_by=person)
    copy(RetentionRule.objects.get(pk=world["retention_rule"]), tags=mark, made_by=person)
    for name in ("label", "platform_label"):
        made = copy(Label.objects.get(pk=world[name]), name=f"{mark}-{name}", made_by=person)
        ArtifactLabel.objects.create(artifact_id=world["image"], label=made, put_by=person.username)
    run = RetentionRun.objects.get(pk=world["retention_run"])
    RetentionRun.objects.filter(pk=run.pk).update(report=[*run.report, *run.report])
    copy(run, asked_by=person)
    copy(Collection.objects.get(pk=world["collection"]), asked_by=person)
    record(person, "registry.project_change", project, tenant=project.tenant)


def _image(repository: Repository, mark: str) -> Artifact:
    """Push an index with one image, a signature of it, tags, and scans of all that is found in it."""
    about = {"media_type": "m", "manifest_size": 1, "size": 9, "pushed_by": mark, "author": mark}
    found = {"scan_state": "success", "critical": 1, "worst": Severity.CRITICAL}
    image = Artifact.objects.create(
        repository=repository, digest=_digest(repository, mark), kind="image", os="linux", architecture="arm64",
        **about, **found,
    )  # fmt: skip
    index = Artifact.objects.create(
        repository=repository, digest=_digest(repository, f"i{mark}"), kind="index", **about
    )
    ArtifactChild.objects.create(parent=index, digest=image.digest, position=0, size=9, platform={"os": "linux"})
    for artifact in (image, index):
        Tag.objects.create(repository=repository, name=f"{artifact.kind}-{mark}", artifact=artifact, pushed_by=mark)
    _of_the_image(image, mark)
    Sbom.objects.create(artifact=image, scanner="trivy", packages=[_package(mark).stored()])
    return image


def _of_the_image(image: Artifact, mark: str) -> None:
    repository = image.repository
    Tag.objects.create(repository=repository, name=f"{image.short}-{mark}", artifact=image, pushed_by=mark)
    TagChange.objects.create(repository=repository, name="1.0", digest=image.digest, by=mark)
    Artifact.objects.create(
        repository=repository, digest=_digest(repository, f"s{image.short}{mark}"), kind="signature", listed=False,
        subject=image.digest, media_type="m", manifest_size=1, size=1,
    )  # fmt: skip
    blob, _made = Blob.objects.get_or_create(digest=_digest(repository, f"b{mark}"), size=9)
    ArtifactBlob.objects.create(artifact=image, blob=blob)
    image.layers = [*image.layers, {"digest": blob.digest, "size": 9, "media_type": "m"}]
    image.config = {
        "history": [*image.config.get("history", []), {"created_by": mark, "created": "2026-01-01T00:00:00Z"}]
    }
    image.scan_state, image.scanned_at, image.critical = Artifact.ScanState.SUCCESS, timezone.now(), 1
    image.save()
    scan = Scan.objects.create(artifact=image, scanner=f"s-{mark}", state="success", current=True)
    known, _made = Vulnerability.objects.get_or_create(id=f"CVE-{mark}", title=mark)
    for package in (mark, f"{mark}-other"):
        Finding.objects.create(scan=scan, vulnerability=known, package=package, version="1", severity=Severity.CRITICAL)
    for sbom in Sbom.objects.filter(artifact=image):
        sbom.packages = [*sbom.packages, _package(mark).stored()]
        sbom.save()


def _package(mark: str) -> Package:
    return Package(name=mark, version="1", ecosystem="PyPI", purl=f"pkg:pypi/{mark}@1", licenses=("MIT",))


def _digest(repository: Repository, text: str) -> str:
    return f"sha256:{hashlib.sha256(f'{repository.pk}{text}'.encode()).hexdigest()}"
