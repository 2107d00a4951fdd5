"""What the worker does for the registry by itself."""

from celery import shared_task

from registry import attached, projects, pulls, reminding
from registry.models import Artifact
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
def write_pulls() -> None:
    """Bring counted pulls into the audit trail."""
    while pulls.write():
        pass


@shared_task(ignore_result=True)
def remind() -> None:
    """Tell of robots and exceptions that end soon."""
    reminding.robots()
    reminding.exceptions()


@shared_task(ignore_result=True)
def watch_storage() -> None:
    """Tell of storage that is nearly full."""
    reminding.storage()


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


@shared_task(ignore_result=True)
def read_attached(pk: str = "") -> None:
    """Look which SBOMs an artifact holds, or those into which nobody has looked."""
    if not pk:
        attached.sweep()
    elif (row := Artifact.objects.select_related("repository__project").filter(pk=pk, sboms=None).first()) is not None:
        attached.read(row)
