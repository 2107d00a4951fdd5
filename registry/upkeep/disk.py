"""What lies on disk: the registry's blobs where its storage is a directory here, and what nobody needs of it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet, Sum, Value
from django.db.models.functions import Concat

from registry import shelf
from registry.models import Artifact, ArtifactBlob, Blob, Push, Removed

BATCH: Final = 500


def blobs(place: Path) -> Iterator[tuple[str, int]]:
    """Yield digest and size in bytes of every blob; one that goes meanwhile is left out."""
    for file in (place / "blobs" / "sha256").glob("*/*/data"):
        try:
            yield f"sha256:{file.parent.name}", file.stat().st_size
        except FileNotFoundError:
            continue


def size() -> int | None:
    """Return the bytes of all blobs; None where that cannot be measured."""
    return None if (place := shelf.place()) is None else sum(size for _digest, size in blobs(place))


def unneeded() -> int:
    """Return the bytes that a collection would free now: measured on disk, else as the rows have them."""
    if (place := shelf.place()) is None:
        return int(Blob.objects.filter(parts=None).aggregate(total=Sum("size"))["total"] or 0)
    return sum(_unneeded(some) for some in _batches(blobs(place)))


def _unneeded(some: Iterable[tuple[str, int]]) -> int:
    sizes = dict(some)
    needed = set(ArtifactBlob.objects.filter(blob__in=sizes).values_list("blob", flat=True).distinct())
    coming = set(Push.objects.filter(digest__in=sizes).values_list("digest", flat=True))
    return sum(size for digest, size in sizes.items() if digest not in needed | coming)


def deleted() -> QuerySet[Removed]:
    """Return the manifests that were deleted here and still lie in the registry; not those that were pushed again."""
    full = Concat("repository__project__name", Value("/"), "repository__name")
    back = Artifact.objects.filter(digest=OuterRef("digest")).annotate(full=full).filter(full=OuterRef("repository"))
    return Removed.objects.exclude(Exists(back))


def _batches(every: Iterator[tuple[str, int]]) -> Iterator[list[tuple[str, int]]]:
    while some := [one for _number, one in zip(range(BATCH), every, strict=False)]:
        yield some
