"""Business lines: made, renamed, archived and taken back. A slug is given once and never again, archived or not."""

from django.db import IntegrityError, transaction
from django.utils import timezone

from pks_portal.errors import Conflict, Invalid
from tenants import audit, holdings
from tenants.access import refuse_archived, require
from tenants.models import QuotaKind, QuotaLimit, Tenant, User, dns_label

NAMED_AT_MOST = 5


@transaction.atomic
def create(actor: User, slug: str, name: str, name_zh: str = "") -> Tenant:
    """Make a tenant with nothing in it, and a limit of zero for everything until somebody sets its quota.

    Raises Forbidden, Invalid, ValidationError, Conflict (the slug is or was another's).
    """
    require(actor, "tenant.create", None)
    dns_label(slug)
    tenant = Tenant(slug=slug, name=_name(name), name_zh=name_zh.strip())
    tenant.full_clean(validate_unique=False)
    try:
        with transaction.atomic():
            tenant.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("error.tenant_taken", field="slug", slug=slug) from error
    QuotaLimit.objects.bulk_create(QuotaLimit(tenant=tenant, kind=kind, limit=0) for kind in QuotaKind)
    audit.record(actor, "tenant.create", tenant, tenant=tenant, name=tenant.name, name_zh=tenant.name_zh)
    return tenant


@transaction.atomic
def rename(actor: User, tenant: Tenant, *, name: str | None = None, name_zh: str | None = None) -> Tenant:
    """Give a tenant another name to show; its slug, on which rights hang, stays. Raises Forbidden, Invalid."""
    require(actor, "tenant.rename", None)
    row = _locked(tenant)
    before = row.name
    row.name = row.name if name is None else _name(name)
    row.name_zh = row.name_zh if name_zh is None else name_zh.strip()
    row.full_clean()
    row.save(update_fields=["name", "name_zh"])
    audit.record(actor, "tenant.rename", row, tenant=row, before=before, name=row.name, name_zh=row.name_zh)
    return row


@transaction.atomic
def archive(actor: User, tenant: Tenant) -> Tenant:
    """Close a tenant in which nothing is left: nothing new can be made in it, its members and history stay.

    Raises Forbidden, Conflict (something is left, by name; or it is archived already).
    """
    require(actor, "tenant.archive", None)
    row = _locked(tenant)
    refuse_archived(row)
    if left := holdings.of_tenant(row):
        names = ", ".join(held.name for held in left[:NAMED_AT_MOST])
        raise Conflict("error.tenant_not_empty", tenant=row.slug, count=len(left), names=names)
    row.archived_at = timezone.now()
    row.save(update_fields=["archived_at"])
    audit.record(actor, "tenant.archive", row, tenant=row)
    return row


@transaction.atomic
def restore(actor: User, tenant: Tenant) -> Tenant:
    """Open an archived tenant again, as it was. Raises Forbidden, Conflict (it is not archived)."""
    require(actor, "tenant.archive", None)
    row = _locked(tenant)
    if row.archived_at is None:
        raise Conflict("error.tenant_not_archived", tenant=row.slug)
    row.archived_at = None
    row.save(update_fields=["archived_at"])
    audit.record(actor, "tenant.restore", row, tenant=row)
    return row


def _locked(tenant: Tenant) -> Tenant:
    return Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)


def _name(name: str) -> str:
    if not name.strip():
        raise Invalid("error.tenant_nameless", field="name")
    return name.strip()
