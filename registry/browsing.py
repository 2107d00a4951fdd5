"""What lists show: one query for the rows, one for what belongs to all of them, however many there are."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from django.db.models import Count, F, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Concat, Lower

from registry import pulling
from registry.manifests import HANGING
from registry.models import Artifact, ArtifactChild, ArtifactLabel, AttachedSbom, Label, Project, Repository, Tag
from tenants.access import Anyone

HANGING_TAG: Final = rf"^{HANGING.pattern}$"
SORTS: Final[Mapping[str, Sequence[str]]] = {
    "pushed": ("-pushed_at",),
    "pulled": (F("pulled_at").desc(nulls_last=True),),  # type: ignore[dict-item]
    "size": ("-size",),
    "severity": ("-critical", "-high", "-medium", "-low"),
}
KINDS: Final = (Artifact.Kind.IMAGE, Artifact.Kind.INDEX, Artifact.Kind.CHART, Artifact.Kind.OTHER)
FIGURES: Final = re.compile(r"[0-9a-f]{1,64}")
MOST_TAGS: Final = 8
"""Shown in a row; how many more there are is said."""


def projects(user: Anyone) -> QuerySet[Project]:
    """Return the projects that somebody may look into."""
    return Project.objects.visible_to(user, "registry.view").select_related("tenant")


def repositories(user: Anyone) -> QuerySet[Repository]:
    """Return the repositories that somebody may look into."""
    seen = Project.objects.visible_to(user, "registry.view")
    return Repository.objects.filter(project__in=seen).select_related("project__tenant")


def named(user: Anyone, wanted: str) -> QuerySet[Repository]:
    """Return the repositories whose full name has a text in it, however clients write them: with a tag, a digest."""
    name = wanted.partition("@")[0].partition(":")[0].strip().lower()
    full = Lower(Concat("project__name", Value("/"), "name"))
    return repositories(user).annotate(full=full).filter(full__contains=name).order_by("full")


def artifacts(user: Anyone) -> QuerySet[Artifact]:
    """Return the artifacts that somebody may look at."""
    seen = Project.objects.visible_to(user, "registry.view")
    rows = Artifact.objects.filter(repository__project__in=seen)
    return rows.select_related("repository__project__tenant")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a URL asks of a repository's artifacts; anything unknown counts as not asked."""

    q: str = ""
    kind: str = ""
    tagged: str = ""
    severity: str = ""
    label: str = ""
    sort: str = "pushed"

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> Self:
        """Read the filters from a query."""
        names = ("q", "kind", "tagged", "severity", "label", "sort")
        said = {name: str(query.get(name, "")).strip()[:128] for name in names}
        known = {
            "kind": [kind.value for kind in KINDS],
            "tagged": ["yes", "no"],
            "severity": ["critical", "high", "medium", "low", "error", "none"],
            "sort": list(SORTS),
        }
        kept = {name: said[name] for name, values in known.items() if said[name] in values}
        return cls(q=said["q"], label=said["label"], **kept)

    @property
    def any(self) -> bool:
        return bool(self.q or self.kind or self.tagged or self.severity or self.label)

    def applied(self, rows: QuerySet[Artifact]) -> QuerySet[Artifact]:
        """Keep what matches, in the order asked for."""
        if self.q:
            by_tag = Tag.objects.filter(repository=F("artifact__repository"), name__icontains=self.q).values("artifact")
            rows = rows.filter(Q(pk__in=by_tag) | _of_digest(self.q))
        if self.kind:
            rows = rows.filter(kind=self.kind)
        if self.tagged:
            rows = rows.filter(tags__isnull=self.tagged == "no").distinct()
        if self.severity:
            rows = rows.filter(_of_severity(self.severity))
        if self.label:
            rows = rows.filter(pk__in=labelled(self.label))
        return rows.order_by(*SORTS[self.sort], "id")


def labelled(name: str) -> Any:
    """Return the query of the artifacts that have a label of this name, a project's or the platform's."""
    return ArtifactLabel.objects.filter(label__name=name).values("artifact")


def _of_digest(text: str) -> Q:
    """Match digests that begin so; as a range, which an index answers."""
    figures = text.removeprefix("sha256:").lower()
    if not FIGURES.fullmatch(figures):
        return Q(pk__in=())
    return Q(digest__gte=f"sha256:{figures}", digest__lt=f"sha256:{figures}g")


def _of_severity(word: str) -> Q:
    if word == "error":
        return Q(scan_state=Artifact.ScanState.ERROR)
    if word == "none":
        return Q(scan_state=Artifact.ScanState.NONE)
    return Q(**{f"{word}__gt": 0})


@dataclass(slots=True)
class Row:
    """An artifact as a list shows it. `refusal`: why it may not be pulled, None: it may."""

    artifact: Artifact
    tags: list[Tag] = field(default_factory=list)
    more_tags: int = 0
    platforms: list[str] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    accessories: int = 0
    refusal: pulling.Refusal | None = None


def rows_of(found: Iterable[Artifact], project: Project) -> list[Row]:
    """Join artifacts with their tags, platforms and how much is about them."""
    listed = [Row(artifact) for artifact in found]
    by_id = {row.artifact.pk: row for row in listed}
    _add_tags(by_id)
    _add_children(by_id)
    for put in ArtifactLabel.objects.filter(artifact__in=by_id).select_related("label"):
        by_id[put.artifact_id].labels.append(put.label)
    digests = [row.artifact.digest for row in listed]
    counts = Artifact.objects.filter(repository__in={row.artifact.repository_id for row in listed}, subject__in=digests)
    about = {
        (one["repository"], one["subject"]): one["many"]
        for one in counts.order_by().values("repository", "subject").annotate(many=Count("pk"))
    }
    for row in listed:
        row.accessories = about.get((row.artifact.repository_id, row.artifact.digest), 0)
    if project.signed_only or project.block_severity is not None:
        for row in listed:
            row.refusal = pulling.refusal(row.artifact, project)
    return listed


def _add_tags(by_id: Mapping[Any, Row]) -> None:
    tags = Tag.objects.filter(artifact__in=by_id).exclude(name__regex=HANGING_TAG)
    for tag in tags.order_by("-pushed_at", "name"):
        row = by_id[tag.artifact_id]
        if len(row.tags) < MOST_TAGS:
            row.tags.append(tag)
        else:
            row.more_tags += 1


def _add_children(by_id: Mapping[Any, Row]) -> None:
    for child in ArtifactChild.objects.filter(parent__in=by_id, attests=""):
        named = child.platform
        parts = (named.get("os"), named.get("architecture"), named.get("variant"))
        by_id[child.parent_id].platforms.append("/".join(part for part in parts if part) or "?")


@dataclass(slots=True)
class Branch:
    """A child of an index: what the index says of it, the artifact where it is there, and its attestations."""

    child: ArtifactChild
    artifact: Artifact | None
    attestations: list[ArtifactChild] = field(default_factory=list)

    @property
    def platform(self) -> str:
        named = self.child.platform
        parts = (named.get("os"), named.get("architecture"), named.get("variant"))
        return "/".join(part for part in parts if part)


def tree_of(index: Artifact) -> list[Branch]:
    """Return an index's images; BuildKit's attestations ("unknown/unknown") stand with the image they are about."""
    children = list(index.children.all())
    there = Artifact.objects.filter(repository=index.repository_id, digest__in=[child.digest for child in children])
    by_digest = {artifact.digest: artifact for artifact in there.select_related("repository__project")}
    branches = {child.digest: Branch(child, by_digest.get(child.digest)) for child in children if not child.attests}
    for child in children:
        if child.attests in branches:
            branches[child.attests].attestations.append(child)
        elif child.attests:
            branches[child.digest] = Branch(child, by_digest.get(child.digest))
    return list(branches.values())


def accessories_of(artifact: Artifact) -> list[Artifact]:
    """Return what is about an artifact: signatures, attestations, SBOMs; also those that an index names (BuildKit)."""
    here = Artifact.objects.filter(repository=artifact.repository_id)
    named = ArtifactChild.objects.filter(parent__repository=artifact.repository_id, attests=artifact.digest)
    rows = here.filter(Q(subject=artifact.digest) | Q(digest__in=named.values("digest")))
    held = Prefetch("sboms", AttachedSbom.objects.exclude(form=""))
    return list(rows.prefetch_related(held).order_by("pushed_at", "id"))


def parents_of(artifact: Artifact) -> list[Artifact]:
    """Return the indexes that name an artifact."""
    rows = Artifact.objects.filter(repository=artifact.repository_id, children__digest=artifact.digest)
    return list(rows.distinct().order_by("-pushed_at")[:20])


def tags_by_artifact(found: Iterable[Artifact]) -> dict[Any, list[str]]:
    """Return the names of each artifact's tags."""
    result: dict[Any, list[str]] = defaultdict(list)
    for tag in Tag.objects.filter(artifact__in=found).order_by("name"):
        result[tag.artifact_id].append(tag.name)
    return result
