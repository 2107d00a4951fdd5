"""What automation tells the rest: the facts of its deeds, and what it has of a person who leaves.

Their tokens end; service accounts stay with their tenant and go on naming their maker.
"""

from collections.abc import Iterator

from tenants import audit, holdings, leaving
from tenants.automation import tokens
from tenants.models import ServiceAccount, User


def _tokens_end(user: User) -> None:
    tokens.end_all(user)


def _accounts(user: User) -> Iterator[holdings.Holding]:
    rows = ServiceAccount.objects.filter(made_by=user, deleted_at__isnull=True).select_related("tenant")
    for account in rows:
        link = f"/tenants/{account.tenant.slug}/automation"
        yield holdings.Holding(kind="service_account", name=account.name, tenant=account.tenant, link=link)


for _deed, _facts in {
    "token.issue": ("name", "scopes", "networks", "days"),
    "token.rotate": ("name", "grace_hours"),
    "token.revoke": ("name",),
    "token.refused": ("name",),
    "service_account.create": ("name", "role"),
    "service_account.role": ("name", "role"),
    "service_account.disable": ("name",),
    "service_account.enable": ("name",),
    "service_account.delete": ("name",),
}.items():
    audit.declare(_deed, *_facts)
leaving.also_ends(_tokens_end)
holdings.also_of_person(_accounts)
