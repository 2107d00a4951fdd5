"""Fill a repository with artifacts and tags, as pushes would, but in one go: called by inside.py."""

from datetime import timedelta
from hashlib import sha256
from typing import Final

BATCH: Final = 2000


def fill(project: str, name: str, artifacts: int, tags: int) -> int:
    """Make a repository with so many artifacts; the newest have the tags. Return how many artifacts it has."""
    from django.utils import timezone

    from registry.manifests import digest_of
    from registry.models import Artifact, Project, Repository, Tag

    now = timezone.now()
    repository, _made = Repository.objects.get_or_create(project=Project.objects.get(name=project), name=name)
    rows = [
        Artifact(
            repository=repository, digest=digest_of(f"{name}-{number}".encode()), kind=Artifact.Kind.IMAGE,
            media_type="application/vnd.oci.image.manifest.v1+json", manifest_size=1000,
            size=1_000_000 + int(sha256(str(number).encode()).hexdigest()[:6], 16), os="linux", architecture="amd64",
            pushed_at=now - timedelta(seconds=number), pushed_by="li.na",
        )
        for number in range(artifacts)
    ]  # fmt: skip
    Artifact.objects.bulk_create(rows, batch_size=BATCH)
    named = [
        Tag(repository=repository, name=f"v{number}", artifact=row, pushed_at=row.pushed_at)
        for number, row in enumerate(rows[:tags])
    ]
    Tag.objects.bulk_create(named, batch_size=BATCH)
    Repository.objects.filter(pk=repository.pk).update(artifacts_listed=artifacts)
    return Artifact.objects.filter(repository=repository).count()
