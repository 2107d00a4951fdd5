"""Take away tags, artifacts with what is about them, repositories; bytes go with the next garbage collection."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from pks_portal.errors import Conflict, NotFound
from pks_portal.operations import live
from registry import patterns, pulls, quota, recording, rights, telling
from registry.manifests import HANGING
from registry.models import Artifact, ArtifactChild, Project, Removed, Repository, Tag, TagChange
from registry.names import Name, is_digest
from registry.tokens.signing import Claims
from tenants import audit, quotas
from tenants.models import User


@dataclass(frozen=True, slots=True)
class Who:
    """Who takes something away: a user, or a robot by its name."""

    name: str
    user: User | None = None

    @classmethod
    def of(cls, user: User) -> "Who":
        return cls(user.username, user)


def by_reference(name: Name, reference: str, claims: Claims) -> None:
    """Take away what a client names, whose token has been looked at. Raises NotFound, Conflict."""
    who = Who(claims.subject, User.objects.filter(pk=claims.id).first() if claims.kind == "person" else None)
    repository = Repository.objects.filter(project__name=name.project, name=name.repository).first()
    if repository is None:
        raise NotFound("error.manifest_unknown", name=str(name), reference=reference)
    if is_digest(reference):
        _remove_artifact(who, _artifact(repository, reference))
    else:
        _remove_tag(who, _tag(repository, reference))


def tag(actor: User, row: Tag) -> None:
    """Take a tag away; the artifact stays. Raises Forbidden, Conflict (immutable)."""
    rights.require(actor, "registry.delete", row.repository.project)
    _remove_tag(Who.of(actor), row)


def artifact(actor: User, row: Artifact) -> None:
    """Delete an artifact, its tags and what is about it. Raises Forbidden, Conflict (immutable, in an index)."""
    rights.require(actor, "registry.delete", row.repository.project)
    _remove_artifact(Who.of(actor), row)


def for_the_portal(by: str, row: Artifact) -> None:
    """Delete an artifact by a rule of its project. Raises Conflict (immutable, in an index)."""
    _remove_artifact(Who(by), row)


@transaction.atomic
def repository(actor: User, row: Repository) -> None:
    """Delete a repository with all that is in it. Raises Forbidden, Conflict (an immutable tag)."""
    project = row.project
    rights.require(actor, "registry.delete", project)
    tenant = quotas.lock(project.tenant_id)
    for name in row.tags.values_list("name", flat=True):
        _refuse_immutable(row, name)
    count = row.artifacts.count()
    audit.record(actor, "registry.repository_delete", row, tenant=tenant, artifacts=count)
    telling.repository_deleted(row, count, actor.username)
    pulls.write_of(row)
    live.changed_soon("repository", row.pk, tenant.pk)
    _remember(row, row.artifacts.all())
    row.delete()
    recording.count(project)
    quota.reserve(tenant)


@transaction.atomic
def _remove_tag(who: Who, row: Tag) -> None:
    tenant = quotas.lock(row.repository.project.tenant_id)
    _refuse_immutable(row.repository, row.name)
    digest = row.artifact.digest
    TagChange.objects.create(repository=row.repository, name=row.name, before=digest, by=who.name)
    audit.record(who.user, "registry.tag_delete", row.repository, tenant=tenant, tag=row.name, digest=digest)
    telling.untagged(row.repository, digest, row.name, who.name)
    row.delete()
    recording.relist(row.repository, {digest})
    live.changed_soon("artifact", row.artifact_id, tenant.pk)


@transaction.atomic
def _remove_artifact(who: Who, row: Artifact) -> None:
    project: Project = row.repository.project
    tenant = quotas.lock(project.tenant_id)
    parent = ArtifactChild.objects.filter(parent__repository=row.repository, digest=row.digest).first()
    if parent is not None:
        raise Conflict("error.artifact_in_index", index=parent.parent.short)
    tags = list(row.tags.values_list("name", flat=True))
    for name in tags:
        _refuse_immutable(row.repository, name)
    for name in tags:
        TagChange.objects.create(repository=row.repository, name=name, before=row.digest, by=who.name)
    audit.record(who.user, "registry.artifact_delete", row.repository, tenant=tenant, digest=row.digest, tags=tags)
    subject = row.subject
    telling.deleted(row.repository, row.digest, tags, who.name)
    _delete(row.repository, [row.digest])
    recording.relist(row.repository, {subject})
    recording.count(project)
    quota.reserve(tenant)
    live.changed_soon("repository", row.repository_id, tenant.pk)


def _delete(repository: Repository, digests: list[str]) -> None:
    """Delete artifacts, what is about them, and an index's children that no other index or tag holds."""
    rows = Artifact.objects.filter(repository=repository, digest__in=digests)
    below = list(ArtifactChild.objects.filter(parent__in=rows).values_list("digest", flat=True))
    _remember(repository, rows)
    rows.delete()
    about = Artifact.objects.filter(repository=repository, subject__in=digests)
    held = ArtifactChild.objects.filter(parent__repository=repository, digest__in=below).values("digest")
    free = Artifact.objects.filter(repository=repository, digest__in=below, tags=None).exclude(digest__in=held)
    following = [*about.values_list("digest", flat=True), *free.values_list("digest", flat=True)]
    if following:
        _delete(repository, list(dict.fromkeys(following)))


def _remember(repository: Repository, rows: QuerySet[Artifact]) -> None:
    """Note which manifests the next collection is to take out of the registry, and nobody is to find again."""
    name = str(repository)
    Removed.objects.bulk_create(
        [Removed(repository=name, digest=digest) for digest in rows.values_list("digest", flat=True)],
        update_conflicts=True,  # deleted, pushed and deleted again: the last time counts
        unique_fields=["repository", "digest"],
        update_fields=["at"],
        batch_size=500,
    )


def _refuse_immutable(repository: Repository, name: str) -> None:
    if not HANGING.fullmatch(name) and patterns.immutable(repository.project, repository.name, name):
        full = f"{repository.project.name}/{repository.name}"
        raise Conflict("error.image_immutable", name=full, tag=name)


def _artifact(repository: Repository, digest: str) -> Artifact:
    row = Artifact.objects.filter(repository=repository, digest=digest).first()
    if row is None:
        raise NotFound("error.manifest_unknown", name=str(repository), reference=digest)
    return row


def _tag(repository: Repository, name: str) -> Tag:
    row = Tag.objects.select_related("artifact", "repository__project").filter(repository=repository, name=name).first()
    if row is None:
        raise NotFound("error.manifest_unknown", name=str(repository), reference=name)
    return row
