"""What is known of vulnerabilities over all that somebody may see: counts, the worst images, who carries a CVE."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet, Sum

from registry.models import Artifact, Finding, Project
from tenants.access import Anyone

COUNTED = ("critical", "high", "medium", "low", "negligible", "unknown", "fixable")
WORST = 10


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures over images; of `unscanned` and `failed` nothing is known, so they are in no count."""

    images: int
    scanned: int
    failed: int
    partly: int
    critical: int
    high: int
    medium: int
    low: int
    negligible: int
    unknown: int
    fixable: int

    @property
    def unscanned(self) -> int:
        return self.images - self.scanned - self.failed


def images(user: Anyone, tenant: str = "") -> QuerySet[Artifact]:
    """Return the images that somebody may see, of one tenant where one is named."""
    seen = Project.objects.visible_to(user, "registry.view")
    if tenant:
        seen = seen.filter(tenant__slug=tenant)
    return Artifact.objects.filter(repository__project__in=seen, kind=Artifact.Kind.IMAGE, subject="")


def summary(rows: QuerySet[Artifact]) -> Summary:
    """Return the figures of these images."""
    states = dict(rows.order_by().values_list("scan_state").annotate(many=Count("pk")))
    sums = rows.order_by().aggregate(**{f"sum_{name}": Sum(name) for name in COUNTED})
    counts = {name: int(sums[f"sum_{name}"] or 0) for name in COUNTED}
    return Summary(
        images=sum(states.values()), scanned=states.get("success", 0), failed=states.get("error", 0),
        partly=rows.filter(not_assessed=True).count(), **counts,
    )  # fmt: skip


def worst(rows: QuerySet[Artifact]) -> list[Artifact]:
    """Return the images with the most of the worst."""
    found = rows.filter(worst__isnull=False).select_related("repository__project__tenant").prefetch_related("tags")
    return list(found.order_by("-critical", "-high", "-medium", "-low", "-pushed_at")[:WORST])


def findings(rows: QuerySet[Artifact], **wanted: Any) -> QuerySet[Finding]:
    """Return the findings that count in these images; `wanted`: vulnerability, package, severity."""
    found = Finding.objects.filter(scan__artifact__in=rows, scan__current=True)
    if wanted.get("vulnerability"):
        found = found.filter(vulnerability__id__istartswith=wanted["vulnerability"])
    if wanted.get("package"):
        found = found.filter(package__icontains=wanted["package"])
    if wanted.get("severity") is not None:
        found = found.filter(severity=wanted["severity"])
    return found.select_related("vulnerability", "scan__artifact__repository__project__tenant")
