"""Webhooks that hear of some of a tenant's image projects only; the app that has the projects says which there are."""

from collections.abc import Callable, Collection, Sequence

from pks_portal.errors import Invalid
from tenants.models import Tenant

_sources: list[Callable[[Tenant], Collection[str]]] = []


def declare(names: Callable[[Tenant], Collection[str]]) -> None:
    """Let webhooks be narrowed to the projects that a function names."""
    _sources.append(names)


def projects(tenant: Tenant | None) -> list[str]:
    """Return the names to choose from; of the platform none, for its webhooks hear of every tenant."""
    return sorted({name for source in _sources for name in source(tenant)}) if tenant else []


def known(tenant: Tenant | None, chosen: Sequence[str]) -> list[str]:
    """Return names without doubles, sorted. Raises Invalid (field "projects") that names one which is not there."""
    if strange := sorted(set(chosen) - set(projects(tenant) if chosen else ())):
        raise Invalid("error.webhook_project", field="projects", project=strange[0][:60])
    return sorted(set(chosen))
