"""Copy an artifact into another repository: parts are mounted, never sent; children come first, what is about it last.

The digest stays the same, and so do signatures. One manifest is copied at once, more of them by a task.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID, uuid5

from django.db import transaction

from pks_portal.errors import Conflict, Invalid, NotFound, PortalError
from pks_portal.operations import services as operations
from pks_portal.operations.kinds import Kind, Turn, declare
from pks_portal.operations.models import Operation
from pks_portal.operations.tasks import submit
from registry import browsing, followed, labels, pulling, recording, repositories, rights
from registry.images import tells
from registry.manifests import HANGING, Manifest, read
from registry.models import Artifact, Project, Tag
from registry.names import Name, is_tag
from registry.upkeep.store import Kept, Store, opened
from tenants import audit
from tenants.models import User

KIND: Final = "registry.copy"
NAMESPACE: Final = UUID("5ca00000-0000-4000-8000-000000000004")
STEPS: Final = (("copy", 1),)
AT_ONCE: Final = 10
MOST: Final = 2000
FACTS: Final = ("os", "architecture", "variant", "author", "made_at", "config")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a copy goes; `tag` empty: it is found by its digest only."""

    project: Project
    name: Name
    tag: str
    origin: recording.Origin


@dataclass(frozen=True, slots=True)
class Copied:
    """What a wish came to: the copy, or the task that makes it."""

    artifact: Artifact | None = None
    task: Operation | None = None


def copy(actor: User, artifact: Artifact, repository: str, tag: str = "") -> Copied:
    """Copy an artifact with all that belongs to it; within its repository only the tag is set.

    Raises Forbidden, Invalid, Conflict (policy lets it not out, an immutable tag, under way), QuotaExceeded,
    Unavailable.
    """
    source = artifact.repository
    rights.require(actor, "registry.pull", source.project)
    target = _target(actor, repository, tag)
    rights.require(actor, "registry.push", target.project)
    if str(target.name) == str(source):
        return Copied(artifact=repositories.set_tag(actor, artifact, target.tag).artifact)
    every = list(_whole(artifact, target))
    _refuse_held_back(actor, every, source.project)
    if len(every) > 1:
        return Copied(task=_begin(actor, artifact, target, len(every)))
    with opened() as store:
        copied = _copy(store, artifact, target, target.tag or artifact.digest)
    _told(actor, artifact, target, 1)
    return Copied(artifact=copied)


def _target(actor: User, repository: str, tag: str) -> Target:
    """Return where it goes; a project that one does not see is not there. Raises Invalid."""
    name = Name.read(repository)
    project = browsing.projects(actor).filter(name=name.project).first() if name else None
    if name is None or project is None:
        raise Invalid("error.copy_target", field="repository", name=repository[:255])
    if tag and not is_tag(tag):
        raise Invalid("error.tag_wrong", field="tag")
    signs = bool(rights.may(actor, "registry.sign", project))
    return Target(project, name, tag, recording.Origin(by=actor.username, signs=signs))


def _whole(artifact: Artifact, target: Target) -> Iterator[Artifact]:
    """Yield what is to be copied in the order of copying; signatures stay behind where one may not push them."""
    rows = Artifact.objects.filter(repository=artifact.repository_id)
    seen: set[str] = set()

    def deep(row: Artifact) -> Iterator[Artifact]:
        if row.digest in seen:
            return
        seen.add(row.digest)
        for child in rows.filter(digest__in=row.children.values("digest")):
            yield from deep(child)
        yield row

    found = list(deep(artifact))
    for row in found:  # it grows meanwhile: what is about a signature comes too
        yield row
        about = rows.filter(subject=row.digest)
        for one in about if target.origin.signs else about.exclude(kind=Artifact.Kind.SIGNATURE):
            found += deep(one)
        if len(found) > MOST:
            raise Conflict("error.copy_large", most=MOST)


def _refuse_held_back(actor: User, every: list[Artifact], project: Project) -> None:
    """Raise Conflict where policy does not let one of them out: a copy would be a way around it."""
    signs = bool(rights.may(actor, "registry.sign", project))
    for row in every:
        if (refusal := pulling.refusal(row, project, signs=signs)) is not None:
            raise Conflict(refusal.key, **refusal.args)


@transaction.atomic
def _begin(actor: User, artifact: Artifact, target: Target, count: int) -> Operation:
    full = f"{target.name}:{target.tag}" if target.tag else str(target.name)
    new = operations.NewOperation(
        kind=KIND, subject_type="copy", subject_id=uuid5(NAMESPACE, f"{artifact.pk} {full}"), subject_name=full,
        steps=STEPS, wanted={
            "artifact": str(artifact.pk), "source": str(artifact.repository), "digest": artifact.digest,
            "repository": str(target.name), "tag": target.tag, "signs": target.origin.signs,
        },
    )  # fmt: skip
    operation = operations.start(new, tenant=target.project.tenant, actor=actor)
    _told(actor, artifact, target, count)
    submit(operation)
    return operation


def _told(actor: User, artifact: Artifact, target: Target, count: int) -> None:
    audit.record(
        actor, "registry.copy", artifact.repository, tenant=target.project.tenant,
        digest=artifact.digest, to=str(target.name), tag=target.tag, manifests=count,
    )  # fmt: skip


def turn(operation: Operation) -> Turn:
    """Copy some more; what is there already is not copied again. Raises NotFound, QuotaExceeded, Unavailable."""
    wanted = operation.wanted
    rows = Artifact.objects.select_related("repository__project")
    artifact = rows.filter(pk=wanted["artifact"]).first()
    name = Name.read(wanted["repository"])
    project = Project.objects.select_related("tenant").filter(name=name.project).first() if name else None
    if artifact is None or name is None or project is None:
        raise NotFound("error.not_found")
    origin = recording.Origin(by=operation.actor_name, signs=wanted["signs"])
    target = Target(project, name, wanted["tag"], origin)
    every = [(row, _reference(row, artifact, target)) for row in _whole(artifact, target)]
    left = [one for one in every if not _there(target, *one)]
    with opened() as store:
        for row, reference in left[:AT_ONCE]:
            _copy(store, row, target, reference)
    still = max(0, len(left) - AT_ONCE)
    operations.advance_steps(operation, {"copy": 1 - still / len(every)})
    return Turn(done=not still, again=0)


def _reference(row: Artifact, artifact: Artifact, target: Target) -> str:
    """Return under what a manifest is copied: its new tag, the one on which cosign hangs it, else its digest."""
    if row.pk == artifact.pk:
        return target.tag or row.digest
    hanging = (name for name in row.tags.values_list("name", flat=True) if HANGING.fullmatch(name))
    return next(hanging, row.digest)


def _there(target: Target, row: Artifact, reference: str) -> bool:
    here = {"repository__project": target.project, "repository__name": target.name.repository}
    if is_tag(reference):
        return Tag.objects.filter(**here, name=reference, artifact__digest=row.digest).exists()
    return Artifact.objects.filter(**here, digest=row.digest).exists()


def _copy(store: Store, row: Artifact, target: Target, reference: str) -> Artifact:
    """Copy one manifest: counted, its parts mounted, kept by the registry, written down."""
    source, name = str(row.repository), str(target.name)
    if (kept := store.manifest(source, row.digest)) is None:
        raise NotFound("error.manifest_unknown", name=source, reference=row.digest)
    manifest = replace(read(kept.raw, row.media_type, reference), kind=row.kind)
    push = recording.begin(target.project, target.name, reference, manifest, target.origin)
    try:
        for digest in manifest.parts.keys() - {manifest.digest}:
            if not store.mount(name, digest, source):
                raise NotFound("error.manifest_blob", digest=digest)
        store.put(name, reference, Kept(manifest.raw, manifest.media_type))
    except PortalError:
        recording.abandon(push)
        raise
    copied = recording.finish(push, manifest, _facts(row, manifest))
    labels.take_along(row, copied, target.origin.by)
    followed.pushed(copied, push)
    return copied


def _facts(row: Artifact, manifest: Manifest) -> dict[str, Any]:
    """Return what its configuration says, which is known of the original."""
    return {name: getattr(row, name) for name in FACTS} if tells(manifest) else {}


declare(KIND, Kind(turn=turn, attempts=5))
