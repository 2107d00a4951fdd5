"""What the worker does for the registry by itself."""

from celery import shared_task

from registry import projects
from registry.scanning import rejudging
from registry.upkeep import reconciling, retaining, settling


@shared_task(ignore_result=True)
def provide() -> None:
    """Give new tenants their first project."""
    projects.provide()


@shared_task(ignore_result=True)
def rejudge() -> None:
    """Judge all images anew, for databases and grace periods grow older by themselves."""
    rejudging.soon()


@shared_task(ignore_result=True)
def settle() -> None:
    """Settle the pushes that a dead process left."""
    settling.settle()


@shared_task(ignore_result=True)
def reconcile() -> None:
    """Make rows and registry agree."""
    reconciling.soon()


@shared_task(ignore_result=True)
def retain() -> None:
    """Have each project's rules carried out."""
    retaining.daily()
