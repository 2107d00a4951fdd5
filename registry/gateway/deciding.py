"""What the gateway asks the database, each in one go: what a reference is, whether it may leave, what is listed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import F
from django.utils import timezone, translation

from pks_portal.errors import NotFound, PortalError
from registry import pulling, pulls
from registry.manifests import OCI_INDEX
from registry.models import Artifact, Project, Repository, Tag
from registry.names import Name, is_digest
from registry.tokens.signing import PORTAL, Claims
from tenants.models import User

MOST: Final = 1000


class Refused(PortalError):
    """Policy forbids it."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a reference is: the artifact's digest, in clients' own terms."""

    digest: str
    media_type: str
    size: int


def project_of(name: Name) -> Project:
    """Return the project. Raises NotFound."""
    project = Project.objects.select_related("tenant").filter(name=name.project).first()
    if project is None:
        raise NotFound("error.not_found")
    return project


def find(name: Name, reference: str, claims: Claims, *, counts: bool) -> Found:
    """Return what may be pulled under a reference. Raises NotFound, Refused (policy). `counts`: this is a pull."""
    artifact = _artifact(name, reference)
    project = artifact.repository.project
    if claims.kind != PORTAL:
        signs = claims.may("sign", str(name))
        if (refusal := pulling.refusal(artifact, project, signs=signs)) is not None:
            if counts:
                pulls.tally(artifact, claims, reason=refusal.key)
            raise Refused(refusal.key, **refusal.args)
        if counts:
            _count(artifact, reference)
            pulls.tally(artifact, claims)
    return Found(artifact.digest, artifact.media_type, artifact.manifest_size)


def _artifact(name: Name, reference: str) -> Artifact:
    rows = Artifact.objects.select_related("repository__project")
    here = rows.filter(repository__project__name=name.project, repository__name=name.repository)
    found = here.filter(digest=reference) if is_digest(reference) else here.filter(tags__name=reference)
    if (artifact := found.first()) is None:
        raise NotFound("error.manifest_unknown", name=str(name), reference=reference)
    return artifact


def _count(artifact: Artifact, reference: str) -> None:
    now = timezone.now()
    Artifact.objects.filter(pk=artifact.pk).update(pulls=F("pulls") + 1, pulled_at=now)
    Repository.objects.filter(pk=artifact.repository_id).update(pulls=F("pulls") + 1)
    if not is_digest(reference):
        Tag.objects.filter(repository=artifact.repository_id, name=reference).update(pulled_at=now)


def tags(name: Name, most: int, last: str) -> list[str] | None:
    """Return up to `most` + 1 tags after `last`, in order; None where there is no such repository."""
    repository = Repository.objects.filter(project__name=name.project, name=name.repository).first()
    if repository is None:
        return None
    rows = (
        Tag.objects.filter(repository=repository, name__gt=last) if last else Tag.objects.filter(repository=repository)
    )
    return list(rows.order_by("name").values_list("name", flat=True)[: most + 1])


def catalog(claims: Claims, most: int, last: str) -> list[str]:
    """Return up to `most` + 1 names of repositories after `last` that the person may pull from."""
    user = User.objects.filter(pk=claims.id, is_active=True).first() if claims.kind == "person" else None
    if user is None:
        return []
    seen = Project.objects.visible_to(user, "registry.pull").order_by("name").values_list("pk", "name")
    names: list[str] = []
    for pk, project in seen:
        rows = Repository.objects.filter(project=pk).order_by("name").values_list("name", flat=True)
        names += [full for full in (f"{project}/{row}" for row in rows) if full > last]
        if len(names) > most:
            break
    return sorted(names)[: most + 1]


def referrers(name: Name, digest: str, artifact_type: str) -> list[dict[str, Any]]:
    """Return the descriptors of what is about an artifact, newest last (OCI distribution spec 1.1)."""
    rows = Artifact.objects.filter(
        repository__project__name=name.project, repository__name=name.repository, subject=digest
    )
    if artifact_type:
        rows = rows.filter(artifact_type=artifact_type)
    hanging = f"{digest.replace(':', '-')}."  # what cosign's old layout hangs on a tag is found by that tag
    rows = rows.exclude(tags__name__startswith=hanging)
    return [_descriptor(row) for row in rows.order_by("pushed_at", "id")[:MOST]]


def _descriptor(row: Artifact) -> dict[str, Any]:
    described = {
        "mediaType": row.media_type, "digest": row.digest, "size": row.manifest_size,
        "artifactType": row.artifact_type,
    }  # fmt: skip
    return {**described, "annotations": row.annotations} if row.annotations else described


def index_of(descriptors: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return descriptors as an image index."""
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(descriptors)}


def actor_of(claims: Claims) -> User | None:
    """Return the person or program of a token; None for a robot or the portal itself."""
    return User.objects.filter(pk=claims.id).first() if claims.kind == "person" else None


def in_english() -> Any:
    """Return a context in which refusals are said in English: clients of images ask for no language."""
    return translation.override("en")
