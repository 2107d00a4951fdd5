"""What the worker does for the registry by itself."""

from celery import shared_task

from registry import projects


@shared_task(ignore_result=True)
def provide() -> None:
    """Give new tenants their first project."""
    projects.provide()
