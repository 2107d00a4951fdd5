"""Where rows and registry differ: artifacts whose manifest is lost, and manifests that nobody wrote down."""

import logging
from collections.abc import Iterable
from typing import Final

from django.db import transaction

from pks_portal.errors import PortalError, Unavailable
from pks_portal.operations import live
from registry import followed, quota, recording
from registry.manifests import Manifest, read
from registry.models import Artifact, Project, Push, Removed, Repository, TagChange
from registry.upkeep.store import Store
from tenants import audit, quotas

log = logging.getLogger(__name__)
BY: Final = "portal"
DEEPEST: Final = 4
"""How far indexes within indexes are followed."""


def lost(store: Store, rows: Iterable[Artifact]) -> list[Artifact]:
    """Return the artifacts whose manifest the registry does not have. Raises Unavailable."""
    return [row for row in rows if not store.digest(str(row.repository), row.digest)]


@transaction.atomic
def forget(row: Artifact) -> bool:
    """Take away the row of an artifact whose manifest is lost; False where it was pushed again or deleted meanwhile."""
    tenant = quotas.lock(row.repository.project.tenant_id)
    if not Artifact.objects.filter(pk=row.pk, pushed_at=row.pushed_at).exists():
        return False
    repository = row.repository
    tags = list(row.tags.values_list("name", flat=True))
    below = set(row.children.values_list("digest", flat=True))
    for name in tags:
        TagChange.objects.create(repository=repository, name=name, before=row.digest, by=BY)
    log.warning("The registry has lost %s; its row is taken away, and its tags: %s.", row, ", ".join(tags) or "-")
    audit.record(None, "registry.artifact_lost", repository, tenant=tenant, digest=row.digest, tags=tags)
    row.delete()
    recording.relist(repository, {row.subject, *below})
    live.changed_soon("repository", repository.pk, tenant.pk)
    return True


def find(store: Store, repository: Repository) -> int:
    """Write down what the registry has under a tag and nobody knows of; return how many. Raises Unavailable."""
    known = set(repository.tags.values_list("name", flat=True))
    name, count = str(repository), 0
    for tag in store.tags(name):
        if tag in known:
            continue
        digest = store.digest(name, tag)
        try:
            if digest and unknown(repository, digest):
                count += _record(store, repository, digest, tag)
        except Unavailable:
            raise
        except PortalError as error:
            log.warning("%s:%s of the registry cannot be written down: %s", name, tag, error.key)
    return count


def unknown(repository: Repository, digest: str) -> bool:
    """Say whether a manifest has no row, is not on its way to one, and was not deleted here."""
    coming = Push.objects.filter(project=repository.project_id, repository=repository.name, digest=digest)
    if coming.exists():  # asked before the row, which comes in the transaction that ends the push
        return False
    if Artifact.objects.filter(repository=repository, digest=digest).exists():
        return False
    return not Removed.objects.filter(repository=str(repository), digest=digest).exists()


def _record(store: Store, repository: Repository, digest: str, tag: str, depth: int = 0) -> int:
    """Write down a manifest, children first; return how many."""
    if depth > DEEPEST or (kept := store.manifest(str(repository), digest)) is None:
        return 0
    manifest = store.unmasked(str(repository), read(kept.raw, kept.media_type, tag))
    count = 0
    for child in manifest.children:
        if unknown(repository, child.part.digest):
            count += _record(store, repository, child.part.digest, "", depth + 1)
    _finish(store, repository, manifest, tag if tag and not _taken_away(repository, tag) else digest)
    log.warning("The registry had %s@%s:%s, which nobody knew; it is written down.", repository, digest, tag)
    return count + 1


def _finish(store: Store, repository: Repository, manifest: Manifest, reference: str) -> None:
    push = Push(
        project=repository.project, repository=repository.name, reference=reference, digest=manifest.digest,
        media_type=manifest.media_type, manifest=manifest.raw, adds=0, by=BY,
    )  # fmt: skip
    facts = store.facts(str(repository), manifest)
    with transaction.atomic():
        artifact = recording.finish(push, manifest, facts)
        tenant = repository.project.tenant
        audit.record(None, "registry.artifact_found", repository, tenant=tenant, digest=artifact.digest, tag=reference)
    followed.arrived(artifact)


def _taken_away(repository: Repository, tag: str) -> bool:
    last = TagChange.objects.filter(repository=repository, name=tag).first()
    return last is not None and not last.digest


@transaction.atomic
def recount(project: Project) -> None:
    """Write exactly what a project takes, and what its tenant therefore uses, be that over its quota or not."""
    tenant = quotas.lock(project.tenant_id)
    recording.count(project)
    quota.measure(tenant)
