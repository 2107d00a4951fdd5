"""What a leaver made in the registry or is waiting for, what of it ends with them, and what keeps a tenant open."""

from collections.abc import Iterator

from django.db.models import Q
from django.template.defaultfilters import date, filesizeformat
from django.utils import timezone

from registry.models import Artifact, CveException, Project, ProjectMember, Robot, TrustedKey
from tenants import audit, holdings, leaving
from tenants.holdings import Holding
from tenants.models import Tenant, User


def _of_tenant(tenant: Tenant) -> Iterator[Holding]:
    """Name the projects with images; an empty one, such as every tenant is given, keeps nothing open."""
    full = Artifact.objects.filter(repository__project__tenant=tenant).values("repository__project")
    for row in Project.objects.filter(pk__in=full).select_related("tenant"):
        yield _held("image_project", row.name, row, "", filesizeformat(row.used))


def _of_person(user: User) -> Iterator[Holding]:
    now = timezone.now()
    for robot in Robot.objects.filter(made_by=user, disabled=False, expires_at__gt=now).select_related(
        "project__tenant"
    ):
        yield _held("robot", robot.login, robot.project, "robots", date(robot.expires_at, "Y-m-d"))
    for key in TrustedKey.objects.filter(added_by=user).select_related("project__tenant"):
        yield _held("trusted_key", key.name, key.project, "policy", key.project.name)
    lasting = Q(status=CveException.Status.OPEN) | Q(status=CveException.Status.APPROVED, expires_at__gt=now)
    for row in CveException.objects.filter(lasting, asked_by=user).select_related("project__tenant"):
        yield _held("exception", row.vulnerability, row.project, "exceptions", str(row.get_status_display()))
    for member in ProjectMember.objects.filter(user=user).select_related("project__tenant"):
        yield _held("project_role", member.project.name, member.project, "members", str(member.get_role_display()))


def _held(kind: str, name: str, project: Project, tab: str, note: str) -> Holding:
    link = f"/images/{project.name}" + (f"?tab={tab}" if tab else "")
    return Holding(kind=kind, name=name, tenant=project.tenant, link=link, note=note)


def _roles_end(user: User) -> None:
    """Take a leaver's roles in projects away: who comes back begins with nothing."""
    for row in ProjectMember.objects.filter(user=user).select_related("project__tenant"):
        audit.record(
            None, "registry.member_withdraw", row.project, tenant=row.project.tenant, person=user.username,
            role=row.role,
        )  # fmt: skip
        row.delete()


holdings.also_of_tenant(_of_tenant)
holdings.also_of_person(_of_person)
leaving.also_ends(_roles_end)
