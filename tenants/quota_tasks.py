"""What workers do for quotas by schedule."""

from celery import shared_task

from tenants import grants, requests


@shared_task(ignore_result=True)
def end_grants() -> None:
    """Note what was granted for a while and is over now, and that nobody waits for what leavers asked for."""
    grants.end_due()
    requests.lapse_left()
