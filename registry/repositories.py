"""What people write about a repository, and the tags that they set by hand."""

from typing import Final

from django.db import transaction

from pks_portal.errors import Conflict, Invalid
from registry import patterns, recording, rights
from registry.models import Artifact, Repository, Tag
from registry.names import is_tag
from tenants import audit, quotas
from tenants.models import User

LONGEST: Final = 20_000


@transaction.atomic
def describe(actor: User, repository: Repository, about: str) -> Repository:
    """Change a repository's README, Markdown. Raises Forbidden, Invalid."""
    rights.require(actor, "registry.push", repository.project)
    if len(about) > LONGEST:
        raise Invalid("error.readme_long", field="about", most=LONGEST)
    if about != repository.about:
        repository.about = about
        repository.save(update_fields=["about"])
        audit.record(actor, "registry.readme", repository, tenant=repository.project.tenant)
    return repository


@transaction.atomic
def set_tag(actor: User, artifact: Artifact, name: str) -> Tag:
    """Give an artifact a tag, or move one to it. Raises Forbidden, Invalid, Conflict (immutable)."""
    repository = artifact.repository
    rights.require(actor, "registry.push", repository.project)
    if not is_tag(name):
        raise Invalid("error.tag_wrong", field="name")
    quotas.lock(repository.project.tenant_id)
    held = Tag.objects.select_related("artifact").filter(repository=repository, name=name).first()
    if held is not None and held.artifact_id == artifact.pk:
        return held
    if held is not None and patterns.immutable(repository.project, repository.name, name):
        raise Conflict("error.image_immutable", field="name", name=str(repository), tag=name)
    recording.set_tag(repository, name, artifact, actor.username)
    recording.relist(repository, {artifact.digest})
    before = held.artifact.digest if held is not None else ""
    audit.record(
        actor, "registry.tag_set", repository, tenant=repository.project.tenant,
        tag=name, digest=artifact.digest, before=before,
    )  # fmt: skip
    return Tag.objects.get(repository=repository, name=name)
