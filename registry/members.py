"""Roles of single people in single projects, on top of what their tenants give."""

from django.db import transaction
from django.utils import timezone

from pks_portal.errors import Conflict, Invalid
from registry import rights
from registry.models import Project, ProjectMember
from tenants import audit
from tenants.models import Role, User


@transaction.atomic
def give(actor: User, project: Project, login: str, role: str) -> ProjectMember:
    """Give somebody a role in a project, or another one. Raises Forbidden, Invalid (nobody, or no role)."""
    rights.require(actor, "registry.configure", project)
    if role not in Role.values:
        raise Invalid("error.project_role", field="role")
    person = User.objects.filter(username__iexact=login, is_active=True, kind=User.Kind.PERSON).first()
    if person is None:
        raise Invalid("error.project_nobody", field="user", name=login[:60])
    if person.pk == actor.pk:
        raise Conflict("error.project_own_role", field="user")
    row, _made = ProjectMember.objects.update_or_create(
        project=project, user=person, defaults={"role": role, "given_by": actor, "given_at": timezone.now()}
    )
    audit.record(actor, "registry.member_give", project, tenant=project.tenant, person=person.username, role=role)
    return row


@transaction.atomic
def withdraw(actor: User, row: ProjectMember) -> None:
    """Take somebody's role in a project away. Raises Forbidden."""
    rights.require(actor, "registry.configure", row.project)
    if ProjectMember.objects.filter(pk=row.pk).delete()[0]:
        audit.record(
            actor, "registry.member_withdraw", row.project, tenant=row.project.tenant,
            person=row.user.username, role=row.role,
        )  # fmt: skip
