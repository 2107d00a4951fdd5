"""Write down what was pushed: the rows of an artifact in one transaction, counted before the registry has it.

A push goes in two transactions around the registry's own work. The first checks tag and quota and leaves a `Push`; the
second makes the rows and takes the `Push` away. Who dies between them leaves it to the reconciler.
"""

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from pks_portal.errors import Conflict, Forbidden
from pks_portal.operations import live
from registry import holds, patterns, quota, telling
from registry.manifests import HANGING, Manifest
from registry.models import Artifact, ArtifactBlob, ArtifactChild, Blob, Project, Push, Repository, Tag, TagChange
from registry.names import Name, is_tag
from tenants import audit, quotas

Kind = Artifact.Kind
ALONE = (Kind.IMAGE, Kind.INDEX, Kind.CHART, Kind.OTHER)
"""Kinds that are listed for themselves; others are about something."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who pushes, and whether they may push signatures."""

    by: str
    signs: bool


@transaction.atomic
def begin(project: Project, name: Name, reference: str, manifest: Manifest, origin: Origin) -> Push:
    """Count a push and let it through.

    Raises Conflict (the tag is immutable), Forbidden (a signature, by who may not sign), QuotaExceeded, Unavailable
    (pushes wait).
    """
    holds.refuse()
    if manifest.kind == Kind.SIGNATURE and not origin.signs:
        raise Forbidden("error.sign_forbidden")
    tenant = quotas.lock(project.tenant_id)
    _keep_immutable(project, name, reference, manifest)
    adds = missing(project, manifest)
    quota.reserve(tenant, adding=adds)
    return Push.objects.create(
        project=project, repository=name.repository, reference=reference, digest=manifest.digest,
        media_type=manifest.media_type, manifest=manifest.raw, adds=adds, by=origin.by,
    )  # fmt: skip


@transaction.atomic
def abandon(push: Push) -> None:
    """Give back what a push had counted that came to nothing."""
    tenant = quotas.lock(push.project.tenant_id)
    if Push.objects.filter(pk=push.pk).delete()[0]:
        quota.reserve(tenant)


@transaction.atomic
def finish(push: Push, manifest: Manifest, config: dict[str, Any]) -> Artifact:
    """Make the rows of what the registry has taken; a second time changes nothing."""
    tenant = quotas.lock(push.project.tenant_id)
    project = Project.objects.get(pk=push.project_id)
    repository, _made = Repository.objects.get_or_create(project=project, name=push.repository)
    adds = missing(project, manifest)
    artifact = _artifact(repository, manifest, config, push.by)
    Project.objects.filter(pk=project.pk).update(used=F("used") + adds)
    if is_tag(push.reference):
        set_tag(repository, push.reference, artifact, push.by)
    Push.objects.filter(pk=push.pk).delete()
    quota.reserve(tenant)
    relist(repository, {artifact.digest, manifest.subject, *(child.part.digest for child in manifest.children)})
    live.changed_soon("artifact", artifact.pk, tenant.pk)
    live.changed_soon("repository", repository.pk, tenant.pk)
    return artifact


def told(artifact: Artifact, push: Push) -> None:
    """Do what a push is followed by: the trail, and later a scan; call it once the rows are there."""
    project = push.project
    tag = push.reference if is_tag(push.reference) else ""
    audit.record(
        None, "registry.push", artifact.repository, tenant=project.tenant,
        tag=tag, digest=artifact.digest, kind=artifact.kind, by=push.by,
    )  # fmt: skip
    telling.pushed(artifact, tag, push.by)


def missing(project: Project, manifest: Manifest) -> int:
    """Return the bytes of a manifest's parts that the project does not have yet."""
    parts = manifest.parts
    held = ArtifactBlob.objects.filter(blob__in=parts, artifact__repository__project=project)
    known = set(held.values_list("blob", flat=True).distinct())
    return sum(size for digest, size in parts.items() if digest not in known)


def count(project: Project) -> int:
    """Write how many bytes the project takes: each content once, however many artifacts have it; return it."""
    held = ArtifactBlob.objects.filter(artifact__repository__project=project).values("blob")
    used = int(Blob.objects.filter(pk__in=held).aggregate(total=Sum("size"))["total"] or 0)
    Project.objects.filter(pk=project.pk).update(used=used)
    project.used = used
    return used


def set_tag(repository: Repository, name: str, artifact: Artifact, by: str) -> None:
    """Let a tag point to an artifact, with its story. Call inside a transaction."""
    now = timezone.now()
    row = Tag.objects.select_related("artifact").filter(repository=repository, name=name).first()
    if row is None:
        Tag.objects.create(repository=repository, name=name, artifact=artifact, pushed_by=by)
        TagChange.objects.create(repository=repository, name=name, digest=artifact.digest, by=by)
        return
    before = row.artifact.digest
    row.artifact, row.pushed_at, row.pushed_by = artifact, now, by
    row.save(update_fields=["artifact", "pushed_at", "pushed_by"])
    if before != artifact.digest:
        TagChange.objects.create(repository=repository, name=name, digest=artifact.digest, before=before, by=by)
        relist(repository, {before})


def _keep_immutable(project: Project, name: Name, reference: str, manifest: Manifest) -> None:
    """Refuse to move a tag that may not; what cosign hangs on a tag is rewritten with each signature."""
    if not is_tag(reference) or HANGING.fullmatch(reference):
        return
    row = Tag.objects.filter(repository__project=project, repository__name=name.repository, name=reference)
    held = row.values_list("artifact__digest", flat=True).first()
    if held is not None and held != manifest.digest and patterns.immutable(project, name.repository, reference):
        raise Conflict("error.image_immutable", name=str(name), tag=reference)


def _artifact(repository: Repository, manifest: Manifest, config: dict[str, Any], by: str) -> Artifact:
    """Return the artifact's row with its parts and children, made where it is not there."""
    row = Artifact.objects.filter(repository=repository, digest=manifest.digest).first()
    now = timezone.now()
    if row is not None:
        Artifact.objects.filter(pk=row.pk).update(pushed_at=now, pushed_by=by)
        Repository.objects.filter(pk=repository.pk).update(changed_at=now)
        return row
    row = Artifact.objects.create(
        repository=repository, digest=manifest.digest, kind=manifest.kind, media_type=manifest.media_type,
        artifact_type=manifest.artifact_type, manifest_size=len(manifest.raw), size=_whole(repository, manifest),
        annotations=dict(manifest.annotations), subject=manifest.subject, pushed_at=now, pushed_by=by,
        layers=[{"digest": one.digest, "size": one.size, "media_type": one.media_type} for one in manifest.layers],
        listed=manifest.kind in ALONE and not manifest.subject, **config,
    )  # fmt: skip
    Blob.objects.bulk_create(
        [Blob(digest=digest, size=size) for digest, size in manifest.parts.items()], ignore_conflicts=True
    )
    ArtifactBlob.objects.bulk_create([ArtifactBlob(artifact=row, blob_id=digest) for digest in manifest.parts])
    ArtifactChild.objects.bulk_create(
        ArtifactChild(
            parent=row, digest=child.part.digest, position=position, size=child.part.size,
            platform=dict(child.platform), annotations=dict(child.part.annotations), attests=child.attests,
        )
        for position, child in enumerate(manifest.children)
    )  # fmt: skip
    Repository.objects.filter(pk=repository.pk).update(changed_at=now)
    return row


def _whole(repository: Repository, manifest: Manifest) -> int:
    """Return the bytes of an artifact: an index has its children's too, each content once."""
    children = Artifact.objects.filter(repository=repository, digest__in=[one.part.digest for one in manifest.children])
    below = Blob.objects.filter(pk__in=ArtifactBlob.objects.filter(artifact__in=children).values("blob"))
    return manifest.size + int(below.aggregate(total=Sum("size"))["total"] or 0)


def relist(repository: Repository, digests: set[str]) -> None:
    """Decide anew which of these artifacts are listed for themselves, and count those of the repository.

    Listed is what has a tag, and what is neither about something nor part of an index.
    """
    for row in Artifact.objects.filter(repository=repository, digest__in=digests - {""}):
        tagged = row.tags.exclude(name__regex=rf"^{HANGING.pattern}$").exists()
        part = ArtifactChild.objects.filter(parent__repository=repository, digest=row.digest).exists()
        listed = row.kind in ALONE and (tagged or not (part or row.subject))
        if listed != row.listed:
            Artifact.objects.filter(pk=row.pk).update(listed=listed)
    listed_now = Artifact.objects.filter(repository=repository, listed=True).count()
    Repository.objects.filter(pk=repository.pk).update(artifacts_listed=listed_now)
