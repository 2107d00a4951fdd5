"""Make, change and delete projects; every tenant has one of its own name from the beginning."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction

from pks_portal.errors import Conflict, Invalid
from registry import rights
from registry.models import Project
from tenants import access, audit
from tenants.models import Tenant, User

CHANGEABLE: Final = ("about", "public", "scan_on_push", "signed_only", "block_severity", "grace_hours")
LONGEST_GRACE: Final = 24 * 90


def provide() -> int:
    """Give every living tenant the private project of its name, where that is free; return how many were made."""
    lacking = Tenant.objects.filter(archived_at=None).exclude(slug__in=Project.objects.values("name"))
    return sum(_provide(tenant) for tenant in lacking)


def _provide(tenant: Tenant) -> bool:
    return Project.objects.get_or_create(name=tenant.slug, defaults={"tenant": tenant})[1]


def create(actor: User, tenant: Tenant, name: str, **wanted: Any) -> Project:
    """Make a project. Raises Forbidden, Conflict (the name is taken), Invalid, ValidationError."""
    access.require(actor, "registry.create", tenant)
    if Tenant.objects.filter(slug=name).exclude(pk=tenant.pk).exists():
        raise Conflict("error.project_name_taken", field="name", name=name)
    project = Project(tenant=tenant, name=name, created_by=actor, **_checked(wanted))
    project.full_clean(exclude=["tenant", "created_by"], validate_unique=False)
    try:
        with transaction.atomic():
            project.save(force_insert=True)
            audit.record(actor, "registry.project_create", project, tenant=tenant, public=project.public)
    except IntegrityError:
        raise Conflict("error.project_name_taken", field="name", name=name) from None
    return project


@transaction.atomic
def change(actor: User, project: Project, wanted: Mapping[str, Any]) -> Project:
    """Change a project's settings and policy. Raises Forbidden, Invalid."""
    rights.require(actor, "registry.configure", project)
    row = Project.objects.select_for_update(of=("self",)).select_related("tenant").get(pk=project.pk)
    new = {name: value for name, value in _checked(wanted).items() if getattr(row, name) != value}
    if not new:
        return row
    before = {name: _plain(getattr(row, name)) for name in new}
    for name, value in new.items():
        setattr(row, name, value)
    row.save(update_fields=list(new))
    after = {name: _plain(value) for name, value in new.items()}
    audit.record(actor, "registry.project_change", row, tenant=row.tenant, before=before, after=after)
    return row


@transaction.atomic
def delete(actor: User, project: Project) -> None:
    """Delete an empty project. Raises Forbidden, Conflict (it has repositories, or is the tenant's first)."""
    rights.require(actor, "registry.configure", project)
    row = Project.objects.select_for_update(of=("self",)).select_related("tenant").get(pk=project.pk)
    if row.name == row.tenant.slug:
        raise Conflict("error.project_default")
    if count := row.repositories.count():
        raise Conflict("error.project_not_empty", count=count)
    audit.record(actor, "registry.project_delete", row, tenant=row.tenant)
    row.delete()


def _checked(wanted: Mapping[str, Any]) -> dict[str, Any]:
    if not 0 <= wanted.get("grace_hours", 0) <= LONGEST_GRACE:
        raise Invalid("error.grace_wrong", field="grace_hours", most=LONGEST_GRACE)
    return {name: wanted[name] for name in CHANGEABLE if name in wanted}


def _plain(value: Any) -> Any:
    return "" if value is None else value if isinstance(value, str | int | bool) else str(value)
