"""What the registry tells people and webhooks (tenants/notices): pushes, deletions, scans, wishes for exceptions.

What happens to images is for programs, whose webhooks may be narrowed to some projects; wishes are for people, too.
"""

from typing import Any

from pks_portal.errors import PortalError
from registry import rights
from registry.models import Artifact, CveException, Project, Repository, Robot
from tenants import notices
from tenants.access import people_where
from tenants.models import Tenant, User
from tenants.notices import narrowing
from tenants.quotas import Line


def projects_of(tenant: Tenant) -> list[str]:
    """Return the names of a tenant's projects."""
    return list(Project.objects.filter(tenant=tenant).values_list("name", flat=True))


narrowing.declare(projects_of)


def pushed(artifact: Artifact, tag: str, by: str) -> None:
    """An artifact has come, or come again."""
    facts: dict[str, Any] = {"tag": tag, "type": artifact.kind, "size": artifact.size, "by": by}
    _of_image("image.pushed", artifact.repository, artifact.digest, **facts)


def deleted(repository: Repository, digest: str, tags: list[str], by: str) -> None:
    """An artifact is gone, with its tags."""
    _of_image("image.deleted", repository, digest, tags=tags, by=by, gone=True)


def untagged(repository: Repository, digest: str, tag: str, by: str) -> None:
    """A tag is gone; the artifact is not."""
    _of_image("image.untagged", repository, digest, tag=tag, by=by)


def scanned(artifact: Artifact) -> None:
    """A scan has ended well, or as an error when no scanner could judge."""
    counts = {word: getattr(artifact, word) for word in ("critical", "high", "medium", "low", "negligible", "unknown")}
    facts = {**counts, "fixable": artifact.fixable, "not_assessed": artifact.not_assessed}
    _of_image("image.scanned", artifact.repository, artifact.digest, **facts)


def scan_failed(artifact: Artifact, error: PortalError) -> None:
    """Nothing can be said of an image."""
    _of_image("image.scan_failed", artifact.repository, artifact.digest, reason=error.said)


def asked(row: CveException) -> None:
    """Tell those who may decide of a wish for an exception."""
    people = rights.people_where("registry.decide_exception", row.project).exclude(pk=row.asked_by_id)
    _of_wish("exception.asked", row, list(people), by=row.asked_by.username if row.asked_by else "", reason=row.reason)


def decided(row: CveException) -> None:
    """Tell who asked what became of it."""
    kind = "exception.approved" if row.status == CveException.Status.APPROVED else "exception.rejected"
    until = f"{row.expires_at:%F}"
    by = row.decided_by.username if row.decided_by else ""
    _of_wish(kind, row, [row.asked_by] if row.asked_by else [], by=by, until=until, comment=row.comment)


def ends(row: CveException, *, over: bool) -> None:
    """Tell who asked, and those who may decide, that an exception ends soon or has ended."""
    people = {one.pk: one for one in rights.people_where("registry.decide_exception", row.project)}
    if row.asked_by.is_active:
        people[row.asked_by_id] = row.asked_by
    _of_wish("exception.ended" if over else "exception.ending", row, [*people.values()], until=f"{row.expires_at:%F}")


def robot_ends(robot: Robot) -> None:
    """Tell those who may give a robot a new secret that its own ends soon."""
    project = robot.project
    notices.tell(
        "robot.ending", to=list(rights.people_where("registry.robots", project)), tenant=project.tenant,
        link=f"/images/{project.name}?tab=robots", project=project.name, image_project=project.name,
        robot=robot.login, until=f"{robot.expires_at:%F}",
    )  # fmt: skip


def nearly_full(tenant: Tenant, line: Line) -> None:
    """Tell those who may ask for more quota that the tenant's image storage is nearly full."""
    notices.tell(
        "registry.nearly_full", to=list(people_where("quota.request", tenant)), tenant=tenant,
        link=f"/tenants/{tenant.slug}/quota", used=line.used, limit=line.limit, percent=line.percent,
    )  # fmt: skip


def repository_deleted(repository: Repository, artifacts: int, by: str) -> None:
    """A repository is gone, with all that was in it."""
    name, project = str(repository), repository.project
    notices.tell(
        "image.repository_deleted", to=[], tenant=project.tenant, link=f"/images/{project.name}",
        project=project.name, image=name, artifacts=artifacts, by=by,
    )  # fmt: skip


def _of_image(kind: str, repository: Repository, digest: str, *, gone: bool = False, **facts: Any) -> None:
    name, project = str(repository), repository.project
    link = f"/images/{name}" if gone else f"/images/{name}@{digest}"
    notices.tell(
        kind, to=[], tenant=project.tenant, link=link, project=project.name, image=name, digest=digest, **facts
    )  # fmt: skip


def _of_wish(kind: str, row: CveException, to: list[User], **facts: Any) -> None:
    project = row.project
    notices.tell(
        kind, to=to, tenant=project.tenant, link=f"/images/{project.name}?tab=exceptions", project=project.name,
        vulnerability=row.vulnerability, image_project=project.name, **facts,
    )  # fmt: skip
