"""What a person made, or a tenant has: clusters, unfinished tasks, accounts. The features that have it name it here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pks_portal import messages
from tenants.models import Tenant, User


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One such thing. `kind` is a word ("cluster", "task"), whose text is `holding.<kind>`; `note`: how it is now."""

    kind: str
    name: str
    tenant: Tenant | None
    link: str = ""
    note: str = ""

    @property
    def label(self) -> str:
        return messages.render(f"holding.{self.kind}", {})


_OF_PERSON: list[Callable[[User], Iterable[Holding]]] = []
_OF_TENANT: list[Callable[[Tenant], Iterable[Holding]]] = []


def also_of_person(look: Callable[[User], Iterable[Holding]]) -> None:
    """Have a feature name what a person made or asked for and what is not over yet."""
    _OF_PERSON.append(look)


def also_of_tenant(look: Callable[[Tenant], Iterable[Holding]]) -> None:
    """Have a feature name what a tenant has that must be gone before it is archived."""
    _OF_TENANT.append(look)


def of_person(user: User) -> list[Holding]:
    """Return what the person made or asked for, of all features."""
    return [held for look in _OF_PERSON for held in look(user)]


def of_tenant(tenant: Tenant) -> list[Holding]:
    """Return what keeps a tenant from being archived."""
    return [held for look in _OF_TENANT for held in look(tenant)]
